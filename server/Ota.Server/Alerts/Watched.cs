using Ota.Server.Devices;

namespace Ota.Server.Alerts;

/// <summary>
/// What is known of one device's alerts: as it is, and as it is written. Whoever touches it holds its lock, which is its own and is taken
/// once a minute and device at the most.
/// </summary>
internal sealed class Watched(Device device)
{
    // Most devices never have one.
    private Slot[]? _slots;

    public Device Device => device;

    public Readings Readings { get; set; } = Readings.None;

    /// <summary>1 while it waits to be written.</summary>
    public int Queued;

    public OpenAlert? Open(AlertKind kind) => _slots?[(int)kind].Now;

    /// <summary>Takes what the database says at the start.</summary>
    public void Load(AlertKind kind, OpenAlert open)
    {
        var slot = SlotOf(kind);
        (slot.Now, slot.Written) = (open, open);
    }

    /// <summary>Opens the alert unless it is open, or closes it unless it is not; true when that is news.</summary>
    /// <param name="at">UTC milliseconds.</param>
    public bool Set(AlertKind kind, long at, Func<string>? detail)
    {
        if (Open(kind) is null == detail is null)
            return false;
        var slot = SlotOf(kind);
        if (detail is null)
            slot.Closed = at;
        slot.Now = detail is null ? null : new OpenAlert(at, detail());
        return true;
    }

    /// <summary>What the database has yet to hear of.</summary>
    public IEnumerable<AlertChange> Changes()
    {
        foreach (var kind in Enum.GetValues<AlertKind>())
        {
            if (_slots?[(int)kind] is { } slot && slot.Now != slot.Written)
                yield return new AlertChange(device.Id, device.Product, device.HardwareId, kind, slot.Written, slot.Closed, slot.Now);
        }
    }

    public void Written(AlertChange change) => SlotOf(change.Kind).Written = change.Opens;

    private Slot SlotOf(AlertKind kind) => (_slots ??= [new Slot(), new Slot(), new Slot()])[(int)kind];

    private sealed class Slot
    {
        public OpenAlert? Now { get; set; }

        public OpenAlert? Written { get; set; }

        /// <summary>UTC milliseconds at which the last one was over.</summary>
        public long Closed { get; set; }
    }
}
