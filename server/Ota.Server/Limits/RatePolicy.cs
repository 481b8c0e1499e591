namespace Ota.Server.Limits;

/// <summary>
/// How often something may be: so often in a minute, and that often at once (the generic cell rate algorithm, ITU-T I.371). All that is kept of who
/// takes is a mark, the moment up to which what was taken is paid for; 0 for who took nothing yet. Pure.
/// </summary>
/// <param name="Interval">Ticks until one that was taken is paid for.</param>
/// <param name="Burst">How many may be taken at once by who took nothing for a while.</param>
internal readonly record struct RatePolicy(long Interval, int Burst)
{
    public static RatePolicy AMinute(double calls, int burst) => new((long)(TimeSpan.TicksPerMinute / calls), burst);

    private long Credit => Interval * Burst;

    /// <summary>The mark after taking, whether or not that may be.</summary>
    /// <param name="now">Of the <see cref="SteadyClock"/>, as everywhere here.</param>
    /// <param name="cost">Ticks: <see cref="Interval"/> for one.</param>
    public static long After(long mark, long now, long cost) => Math.Max(now, mark) + cost;

    /// <summary>Null when that may be; else how long until it might.</summary>
    /// <param name="after">What <see cref="After"/> said.</param>
    public TimeSpan? Wait(long after, long now) => after - now <= Credit ? null : TimeSpan.FromTicks(after - now - Credit);

    /// <summary>Takes from a mark from which others take at the same time; null when it may be, else how long until it might.</summary>
    public TimeSpan? Take(ref long mark, long now, long cost)
    {
        while (true)
        {
            var seen = Volatile.Read(ref mark);
            var after = After(seen, now, cost);
            if (Wait(after, now) is { } wait)
                return wait;
            if (Interlocked.CompareExchange(ref mark, after, seen) == seen)
                return null;
        }
    }
}
