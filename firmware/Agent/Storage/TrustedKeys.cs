namespace Ota.Agent;

/// <summary>The release keys this device trusts, and the counter of the key statement they came from.</summary>
internal sealed class TrustedKeys
{
    /// <summary>Keys in the largest set.</summary>
    public const int Most = 8;

    private readonly RecordPair _record;
    private RsaKey[] _keys;

    /// <summary>Reads the stored set; without one nothing is trusted.</summary>
    public TrustedKeys(RecordPair record)
    {
        _record = record;
        _keys = new RsaKey[0];
        var bytes = record.Read();
        if (bytes == null || bytes.Length == 0)
            return;
        var reader = new ByteReader(bytes);
        Counter = (int)reader.UInt();
        Statement = reader.Text();
        _keys = new RsaKey[reader.Byte()];
        for (var i = 0; i < _keys.Length; i++)
            _keys[i] = RsaKey.Stored(reader.Raw(2 * RsaKey.Size), 0);
    }

    public int Counter { get; private set; }

    /// <summary>
    /// Hash of the key statement that brought the present keys; empty for the factory's. The key that signed it may be
    /// gone.
    /// </summary>
    public string Statement { get; private set; } = "";

    /// <summary>True when one of the keys signed.</summary>
    public bool Verify(Jws jws)
    {
        if (jws.Signature.Length != RsaKey.Size)
            return false;
        var digest = Sha256.Of(jws.SigningInput);
        for (var i = 0; i < _keys.Length; i++)
        {
            if (_keys[i].Verifies(digest, jws.Signature))
                return true;
        }

        return false;
    }

    /// <summary>Trusts these keys and no others, from this moment and after a power cut.</summary>
    public void Replace(RsaKey[] keys, int counter, string statement)
    {
        var writer = new ByteWriter(80 + keys.Length * 2 * RsaKey.Size);
        writer.UInt((uint)counter);
        writer.Text(statement);
        writer.Byte(keys.Length);
        var key = new byte[2 * RsaKey.Size];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i].CopyTo(key, 0);
            writer.Raw(key);
        }

        _record.Write(writer.ToArray());
        _keys = keys;
        Counter = counter;
        Statement = statement;
    }
}
