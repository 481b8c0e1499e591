using System.Collections;

namespace Ota.Agent;

/// <summary>What a recovery or a wipe has reached; each step is recorded before the next begins.</summary>
internal enum RecoveryPhase
{
    None,

    /// <summary>The recovery image is in its slot and has not been started.</summary>
    Armed,

    /// <summary>It was started. Found after a restart, the clearing is finished, not repeated.</summary>
    Executing,

    /// <summary>Wi-Fi and owner are gone; the device is to return to what it ran before.</summary>
    Cleared,

    /// <summary>A decommission is wiping networks, owner and identity.</summary>
    Wiping,
}

/// <summary>Why the device started, in the words of docs/protocol.md §3.1.</summary>
internal enum RestartCause
{
    Unknown,
    Update,
    Recovery,
    User,
    WifiTimeout,
    ServerTimeout,
    Crash,
}

/// <summary>
/// All that must survive a restart and changes with updates, in one record: each <see cref="Save"/> is one flash write,
/// and after a power cut either the state before or the state after it is there.
/// </summary>
internal sealed class DeviceState
{
    /// <summary>Ending reports kept for a server that does not answer; one more pushes the oldest out.</summary>
    private const int MostReports = 4;

    private readonly RecordPair _record;
    private readonly byte[] _blank;

    public DeviceState(RecordPair record)
    {
        _record = record;
        _blank = Bytes();
        Load();
    }

    /// <summary>Highest order number accepted under the order key that <see cref="OrderKeyMark"/> stands for.</summary>
    public long HighestOrder;
    public string OrderKeyMark = "";

    /// <summary>The security floor.</summary>
    public int Floor;

    /// <summary>Starts since manufacture.</summary>
    public int Starts;

    /// <summary>Recorded before every restart that is meant; <see cref="RestartCause.Unknown"/> when none is.</summary>
    public RestartCause Intent;

    /// <summary>The slot to run, or -1 for the bootstrap alone.</summary>
    public int Active = -1;

    public RecoveryPhase Phase;

    /// <summary>The order that began the recovery or the wipe; kept when it is over, 0 when nothing was cleared for it.</summary>
    public long PhaseOrder;
    public string PhaseDeployment = "";

    public SlotRecord[] Slots { get; } = { new SlotRecord(), new SlotRecord() };

    /// <summary>Ending reports (<see cref="Report"/>) that the server has not acknowledged, oldest first.</summary>
    public ArrayList Reports { get; } = new ArrayList();

    /// <summary>The slot a new image goes to: the one that is not to run.</summary>
    public int CandidateIndex => Active == 0 ? 1 : 0;

    public SlotRecord Candidate => Slots[CandidateIndex];

    /// <summary>Keeps an ending report until it is delivered.</summary>
    public void Add(Report report)
    {
        if (Reports.Count == MostReports)
            Reports.RemoveAt(0);
        Reports.Add(report);
    }

    /// <summary>Highest number accepted under this identity's order key; 0 for none.</summary>
    public long HighestUnder(Identity identity) => OrderKeyMark == identity.OrderKeyMark() ? HighestOrder : 0;

    /// <summary>Counts a number as accepted; the caller saves before it acts.</summary>
    public void Spend(Identity identity, long number)
    {
        var mark = identity.OrderKeyMark();
        if (OrderKeyMark != mark)
            PhaseOrder = 0;
        OrderKeyMark = mark;
        HighestOrder = number;
    }

    /// <summary>Makes all of this durable.</summary>
    /// <exception cref="StorageFaultException">
    /// The storage refused; the state before counts, here in memory too.
    /// </exception>
    public void Save()
    {
        try
        {
            _record.Write(Bytes());
        }
        catch (StorageFaultException)
        {
            // Or the next decision would be taken on something that never happened.
            Load();
            throw;
        }
    }

    private byte[] Bytes()
    {
        var writer = new ByteWriter(384);
        writer.Long(HighestOrder);
        writer.Text(OrderKeyMark);
        writer.UInt((uint)Floor);
        writer.UInt((uint)Starts);
        writer.Byte((int)Intent);
        writer.Byte(Active + 1);
        writer.Byte((int)Phase);
        writer.Long(PhaseOrder);
        writer.Text(PhaseDeployment);
        Slots[0].Write(writer);
        Slots[1].Write(writer);
        writer.Byte(Reports.Count);
        for (var i = 0; i < Reports.Count; i++)
            ((Report)Reports[i]).Write(writer);
        return writer.ToArray();
    }

    private void Load()
    {
        Reports.Clear();
        Read(new ByteReader(_record.Read() ?? _blank));
    }

    private void Read(ByteReader reader)
    {
        HighestOrder = reader.Long();
        OrderKeyMark = reader.Text();
        Floor = (int)reader.UInt();
        Starts = (int)reader.UInt();
        Intent = (RestartCause)reader.Byte();
        Active = reader.Byte() - 1;
        Phase = (RecoveryPhase)reader.Byte();
        PhaseOrder = reader.Long();
        PhaseDeployment = reader.Text();
        Slots[0] = SlotRecord.Read(reader);
        Slots[1] = SlotRecord.Read(reader);
        for (var left = reader.Byte(); left > 0; left--)
            Reports.Add(Report.Read(reader));
    }
}
