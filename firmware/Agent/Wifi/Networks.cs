using System.Collections;

namespace Ota.Agent;

/// <summary>A Wi-Fi network; an open one has an empty password.</summary>
internal sealed class Network
{
    public string Ssid;
    public string Password;
}

/// <summary>
/// The networks a device knows, newest first, and its owner binding: all that belongs to the person who has it.
/// </summary>
internal sealed class Networks
{
    /// <summary>Networks kept; one more pushes the oldest out.</summary>
    public const int Most = 5;

    private readonly RecordPair _record;
    private readonly ArrayList _known = new ArrayList();

    public Networks(RecordPair record)
    {
        _record = record;
        Owner = "";
        var bytes = record.Read();
        if (bytes == null || bytes.Length == 0)
            return;
        var reader = new ByteReader(bytes);
        Owner = reader.Text();
        for (var left = reader.Byte(); left > 0; left--)
            _known.Add(new Network { Ssid = reader.Text(), Password = reader.Text() });
    }

    public string Owner { get; private set; }

    public int Count => _known.Count;

    public Network this[int index] => (Network)_known[index];

    /// <summary>Adds a network, or replaces the password of one that is known, and binds the owner.</summary>
    public void Add(Provisioned provisioned)
    {
        for (var i = _known.Count - 1; i >= 0; i--)
        {
            if (this[i].Ssid == provisioned.Network.Ssid)
                _known.RemoveAt(i);
        }

        _known.Insert(0, provisioned.Network);
        if (_known.Count > Most)
            _known.RemoveAt(Most);
        Owner = provisioned.Owner;

        var writer = new ByteWriter(256);
        writer.Text(Owner);
        writer.Byte(_known.Count);
        for (var i = 0; i < _known.Count; i++)
        {
            writer.Text(this[i].Ssid);
            writer.Text(this[i].Password);
        }

        _record.Write(writer.ToArray());
    }

    /// <summary>Forgets all networks and the owner, in memory and in both places of the record. Idempotent.</summary>
    public void Clear()
    {
        _record.Clear();
        _known.Clear();
        Owner = "";
    }
}
