namespace Ota.Agent;

/// <summary>Where a slot is in its life: pending → trial → confirmed | reverted. See docs/states.md.</summary>
internal enum SlotState
{
    /// <summary>Nothing that could be started.</summary>
    Empty,

    /// <summary>An image is being downloaded into it.</summary>
    Filling,

    /// <summary>Complete and never started.</summary>
    Pending,

    /// <summary>Started at least once and not yet confirmed.</summary>
    Trial,

    /// <summary>Its image completed a check-in.</summary>
    Confirmed,

    /// <summary>Given up; the reason says why.</summary>
    Reverted,
}

/// <summary>What the state record says about one slot.</summary>
internal sealed class SlotRecord
{
    public SlotState State;

    /// <summary>Hash of the statement that belongs there, lower-case hex; empty when none does.</summary>
    public string Release = "";
    public int SecurityCounter;

    /// <summary>The order and the deployment that brought it.</summary>
    public long Order;
    public string Deployment = "";

    /// <summary>Starts it may still have while on trial.</summary>
    public int AttemptsLeft;

    /// <summary>Why it was, or is about to be, reverted; empty otherwise.</summary>
    public string Reason = "";

    public bool IsOnTrial => State == SlotState.Pending || State == SlotState.Trial;

    public static SlotRecord Read(ByteReader reader) => new SlotRecord
    {
        State = (SlotState)reader.Byte(),
        Release = reader.Text(),
        SecurityCounter = (int)reader.UInt(),
        Order = reader.Long(),
        Deployment = reader.Text(),
        AttemptsLeft = reader.Byte(),
        Reason = reader.Text(),
    };

    public void Write(ByteWriter writer)
    {
        writer.Byte((int)State);
        writer.Text(Release);
        writer.UInt((uint)SecurityCounter);
        writer.Long(Order);
        writer.Text(Deployment);
        writer.Byte(AttemptsLeft);
        writer.Text(Reason);
    }
}
