using Ota.Server.Devices;

namespace Ota.Server.Alerts;

/// <summary>
/// What is known of one device's alerts, and what of it is still to be written. Whoever touches it holds its lock, which is its own and is
/// taken once a minute and device at the most by check-ins.
/// </summary>
internal sealed class Watched(Device device)
{
    /// <summary>Changes that wait at most, while the disk does not take them.</summary>
    private const int MostPending = 20;

    private readonly List<AlertChange> _pending = [];
    private OpenAlert?[]? _open;
    private long _latest;

    public Device Device => device;

    public Readings Readings { get; set; } = Readings.None;

    /// <summary>1 while it waits to be written.</summary>
    public int Queued;

    public OpenAlert? Open(AlertKind kind) => _open?[(int)kind];

    /// <summary>Takes what the database says at the start.</summary>
    public void Load(AlertKind kind, OpenAlert open) => Opened()[(int)kind] = open;

    /// <summary>Opens the alert unless it is open, or closes it unless it is not; true when that is news.</summary>
    /// <param name="at">UTC milliseconds.</param>
    /// <param name="detail">What was seen, for an alert that holds; null for one that does not.</param>
    public bool Set(AlertKind kind, long at, Func<string>? detail)
    {
        if (Open(kind) is null == detail is null)
            return false;

        // A check-in that began before the sweep may be judged after it; what is written goes by the time.
        _latest = Math.Max(_latest, at);
        var change = new AlertChange(device, kind, _latest, detail?.Invoke());
        Opened()[(int)kind] = change.Detail is { } seen ? new OpenAlert(change.At, seen) : null;
        if (_pending.Count >= MostPending)
            Forget();
        _pending.Add(change);
        return true;
    }

    /// <summary>What is to be written, oldest first; it is not given again unless it comes back.</summary>
    public AlertChange[] Take()
    {
        AlertChange[] taken = [.. _pending];
        _pending.Clear();
        return taken;
    }

    /// <summary>It could not be written.</summary>
    public void PutBack(IEnumerable<AlertChange> changes) => _pending.InsertRange(0, changes);

    // The oldest that was undone since, and what undid it: without the two the rest is still true.
    private void Forget()
    {
        var oldest = _pending.FindIndex(change => _pending.FindLast(later => later.Kind == change.Kind) != change);
        var undoing = _pending.FindIndex(oldest + 1, change => change.Kind == _pending[oldest].Kind);
        _pending.RemoveAt(undoing);
        _pending.RemoveAt(oldest);
    }

    private OpenAlert?[] Opened() => _open ??= new OpenAlert?[Enum.GetValues<AlertKind>().Length];
}
