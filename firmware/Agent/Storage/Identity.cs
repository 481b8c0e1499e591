namespace Ota.Agent;

/// <summary>Who the device is to the server: handed over once, at enrollment.</summary>
internal sealed class Identity
{
    public string Device;

    /// <summary>base64url, as the Authorization header wants it.</summary>
    public string Token;

    /// <summary>Authenticates orders.</summary>
    public byte[] OrderKey;

    /// <summary>Reads the stored identity; null when there is none, or it was wiped.</summary>
    public static Identity Load(RecordPair record)
    {
        var bytes = record.Read();
        if (bytes == null || bytes.Length == 0)
            return null;
        var reader = new ByteReader(bytes);
        return new Identity { Device = reader.Text(), Token = reader.Text(), OrderKey = reader.Raw(reader.Byte()) };
    }

    public void Store(RecordPair record)
    {
        var writer = new ByteWriter(128);
        writer.Text(Device);
        writer.Text(Token);
        writer.Byte(OrderKey.Length);
        writer.Raw(OrderKey);
        record.Write(writer.ToArray());
    }

    /// <summary>
    /// Tells one order key from another without revealing it. Order numbers count under one key: with a new key they
    /// start again, and with the same key they never do.
    /// </summary>
    public string OrderKeyMark() => Hex.Encode(Mac.Of(OrderKey, Mac.ChunkKey)).Substring(0, 16);
}
