using System.Collections.Immutable;
using Ota.Server.Evidence;
using Ota.Server.Products;

namespace Ota.Server.Alerts;

/// <summary>What can be wrong with a device.</summary>
public enum AlertKind
{
    /// <summary>It starts again and again, and nobody means it to.</summary>
    CrashLoop,

    /// <summary>It missed two check-ins.</summary>
    Silent,

    /// <summary>Its signal stays weak.</summary>
    WeakSignal,

    /// <summary>It is not ours, runs a recovery build, and nothing is under way that brings it back.</summary>
    Stranded,
}

/// <summary>What is remembered of a device's check-ins to judge the next one.</summary>
/// <param name="At">UTC milliseconds of the last one; 0 for none.</param>
/// <param name="Starts">Starts since manufacture, as it said then.</param>
/// <param name="Restarts">
/// UTC milliseconds of the latest restarts that nobody meant, oldest first, at most as many as make an alert.
/// </param>
/// <param name="Weak">Weak signals in a row.</param>
/// <param name="Good">Good signals in a row.</param>
public sealed record Readings(long At, long Starts, ImmutableArray<long> Restarts, int Weak, int Good)
{
    public static Readings None { get; } = new(0, 0, [], 0, 0);

    /// <summary>True when there is nothing to remember but when the device was last heard.</summary>
    public bool IsQuiet => Restarts.IsEmpty && Weak == 0;
}

/// <summary>A time in which this server did not run, so that nobody could be heard.</summary>
public sealed record Downtime(DateTimeOffset From, DateTimeOffset To);

/// <summary>
/// Decides what is wrong with a device. Pure: no clock, no database. What opens an alert and what closes it lie apart, so
/// that none flaps.
/// </summary>
public static class AlertPolicy
{
    /// <summary>So many restarts that nobody meant, <see cref="Within"/> an hour, open a crash loop.</summary>
    public const int Restarts = 3;

    /// <summary>In dBm: a signal below is weak, the same limit as in evidence.</summary>
    public const int WeakerThan = -80;

    /// <summary>In dBm: a signal from here on is good again.</summary>
    public const int GoodAgain = -77;

    /// <summary>So many weak signals in a row open, so many good ones in a row close.</summary>
    public const int InARow = 3;

    /// <summary>So many check-ins missed in a row are silence.</summary>
    public const int Missed = 2;

    /// <summary>Restarts within this time count together, and as long without one ends the loop.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromHours(1);

    private static readonly TimeSpan LeastGrace = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan MostGrace = TimeSpan.FromHours(1);

    /// <summary>What is remembered after one more check-in; one that is not later than the last changes nothing.</summary>
    public static Readings After(Readings before, Sample sample) => sample.At <= before.At
        ? before
        : new Readings(
            sample.At,
            sample.Restarts,
            RestartsAfter(before, sample),
            Weak: sample.Rssi switch { 0 => before.Weak, < WeakerThan => Math.Min(before.Weak + 1, InARow), _ => 0 },
            Good: sample.Rssi switch { 0 => before.Good, >= GoodAgain => Math.Min(before.Good + 1, InARow), _ => 0 });

    /// <summary>Three restarts within an hour begin it; an hour without one, seen by a check-in, ends it.</summary>
    public static bool IsCrashLooping(bool isOpen, Readings readings) =>
        readings.Restarts is [.., var last] && readings.At - last < Within.TotalMilliseconds
        && (isOpen || (readings.Restarts.Length == Restarts && last - readings.Restarts[0] <= Within.TotalMilliseconds));

    public static bool IsWeak(bool isOpen, Readings readings) => isOpen ? readings.Good < InARow : readings.Weak >= InARow;

    /// <summary>
    /// From when on a device is silent that is not heard: when it has missed the check-in it was told of and the one its
    /// schedule has after that, and some grace. A check-in that fell into a downtime was not missed; the next one after it counts.
    /// </summary>
    /// <param name="next">When it was told to ask again.</param>
    /// <param name="downtimes">Of this server, oldest first.</param>
    public static DateTimeOffset SilentFrom(
        DateTimeOffset next, PollSchedule poll, string device, IReadOnlyList<Downtime> downtimes)
    {
        var expected = next;
        for (var missed = 1; ; missed++)
        {
            var interval = poll.UntilNext(device, expected);
            foreach (var downtime in downtimes)
            {
                if (expected + Grace(interval) <= downtime.From || expected >= downtime.To)
                    continue;
                expected = downtime.To + poll.UntilNext(device, downtime.To);
                interval = poll.UntilNext(device, expected);
            }

            if (missed == Missed)
                return expected + Grace(interval);
            expected += interval;
        }
    }

    /// <summary>A cheap clock in a device is some percent off.</summary>
    private static TimeSpan Grace(TimeSpan interval) =>
        TimeSpan.FromTicks(Math.Clamp(interval.Ticks / 10, LeastGrace.Ticks, MostGrace.Ticks));

    private static ImmutableArray<long> RestartsAfter(Readings before, Sample sample)
    {
        // Before the first check-in nothing is known, and a counter that went back is another flash.
        var starts = before.At == 0 ? 0 : sample.Restarts - before.Starts;
        var unmeant = starts - Math.Min(starts, Pieces.IntendedStarts(sample.Cause));
        if (starts <= 0 || unmeant <= 0)
            return before.Restarts;

        // Only the last start has a time. Of so many in so many hours, at least this many fell into one of them.
        var gap = sample.At - before.At;
        var hours = (long)Math.Ceiling(gap / Within.TotalMilliseconds);
        var proven = (int)((Math.Min(unmeant, Restarts * hours) + hours - 1) / hours);
        var last = sample.At - Math.Min(sample.Uptime, gap / 1000) * 1000;
        return [.. before.Restarts.Concat(Enumerable.Repeat(last, proven)).TakeLast(Restarts)];
    }
}
