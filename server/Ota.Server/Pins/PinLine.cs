using Ota.Server.Limits;
using Ota.Server.Telemetry;

namespace Ota.Server.Pins;

/// <summary>Who asks for what is written to a device's pins.</summary>
internal enum PinReader
{
    /// <summary>The agent, by the device's token.</summary>
    Device,

    /// <summary>Whoever has the device's pin token.</summary>
    PinToken,

    /// <summary>A connection that speaks Blynk. Which of a device's connections is the newest is the sessions' to say: an older one ends itself.</summary>
    Blynk,

    /// <summary>Staff and apps; several at a time.</summary>
    Staff,
}

/// <summary>One call that waits. Completed with true when something was written, with false when its time is over.</summary>
internal sealed class PinWait(PinReader reader, long rings) : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public PinReader Reader => reader;

    /// <summary>How often the line had rung when it began to wait.</summary>
    public long Rings => rings;
}

/// <summary>
/// Who waits for one device's pins, and its rates. Whoever waits enters first and reads afterwards, so nothing that is written in between is
/// missed. In memory alone: after a restart everybody asks again.
/// </summary>
internal sealed class PinLine(TimeProvider time, Meters meters)
{
    private const int MostTogether = 16;
    private readonly List<PinWait> _waiting = [];
    private PinExtent? _extent;
    private long _rings;

    /// <summary>Of the device's writes.</summary>
    public PinRate Writes { get; } = new(time, meters);

    /// <summary>Of its asking.</summary>
    public PinRate Reads { get; } = new(time, meters);

    /// <summary>Of calls by its Blynk token, which may come from an app.</summary>
    public PinRate Calls { get; } = new(time, meters);

    /// <summary>Of the events that it logs: they stay in its timeline, so a device that says one a second must not fill the disk.</summary>
    public PinRate Events { get; } = new(time, meters, aMinute: 1);

    /// <summary>Whether the device itself waits, not an app or staff.</summary>
    public bool IsListenedTo
    {
        get
        {
            lock (_waiting)
                return _waiting.Any(wait => wait.Reader is PinReader.Device or PinReader.Blynk);
        }
    }

    /// <summary>
    /// Begins to wait. Of a device's own calls the newest wins: the one that waits already, and was perhaps cut off, is told that nothing came. Of
    /// the others some may wait together, and the oldest is told so.
    /// </summary>
    /// <param name="extent">How far the pins have come, if that was read since the last write.</param>
    public PinWait Enter(PinReader reader, out PinExtent? extent)
    {
        PinWait wait;
        PinWait? oldest = null;
        lock (_waiting)
        {
            if (_waiting.Count(other => other.Reader == reader) >= (reader is PinReader.Device or PinReader.PinToken ? 1 : MostTogether))
            {
                oldest = _waiting.First(other => other.Reader == reader);
                _waiting.Remove(oldest);
            }

            wait = new PinWait(reader, _rings);
            _waiting.Add(wait);
            extent = _extent;
        }

        oldest?.TrySetResult(false);
        return wait;
    }

    public void Leave(PinWait wait)
    {
        lock (_waiting)
            _waiting.Remove(wait);
    }

    /// <summary>Remembers what was read, unless something was written since.</summary>
    public void Know(PinWait wait, PinExtent extent)
    {
        lock (_waiting)
        {
            if (wait.Rings == _rings)
                _extent = extent;
        }
    }

    /// <summary>Something was written, and is on disk.</summary>
    public void Ring()
    {
        PinWait[] waiting;
        lock (_waiting)
        {
            _rings++;
            _extent = null;
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var wait in waiting)
            wait.TrySetResult(true);
    }
}

/// <summary>So many calls a second, with a burst now and then; more are told to come back later.</summary>
internal sealed class PinRate(TimeProvider time, Meters meters, int aMinute = 60 * PinRate.ASecond)
{
    public const int ASecond = 10;
    public const int Burst = 50;
    private readonly RatePolicy _policy = RatePolicy.AMinute(aMinute, Burst);
    private long _mark;

    /// <summary>True when this call may be made.</summary>
    /// <param name="worth">How many it counts for.</param>
    public bool TryTake(int worth = 1)
    {
        if (_policy.Take(ref _mark, time.SteadyTicks(), worth * _policy.Interval) is null)
            return true;
        meters.Limited("pins");
        return false;
    }
}
