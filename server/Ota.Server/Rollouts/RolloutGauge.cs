using Ota.Server.Limits;

namespace Ota.Server.Rollouts;

/// <summary>
/// What this server knows of how far a rollout has come, beside its row: how many have begun, as far as it has heard, and how many may
/// begin this minute.
/// </summary>
internal sealed class RolloutGauge(TimeProvider time)
{
    private readonly Lock _change = new();
    private long _mark;
    private long _begun;

    /// <summary>Never more than have begun; where several servers let devices in, it may be fewer.</summary>
    public long Begun => Volatile.Read(ref _begun);

    /// <summary>The database said that so many have begun.</summary>
    public void Learn(long begun)
    {
        lock (_change)
            _begun = Math.Max(_begun, begun);
    }

    /// <summary>Whether there is room for one more this minute.</summary>
    public bool HasRoom(int? rate) =>
        rate is not { } most || (Of(most), time.SteadyTicks()) is var (policy, now)
            && policy.Wait(RatePolicy.After(Volatile.Read(ref _mark), now, policy.Interval), now) is null;

    /// <summary>Takes the room for one; false when there is none.</summary>
    public bool TryTake(int? rate) =>
        rate is not { } most || Of(most) is var policy && policy.Take(ref _mark, time.SteadyTicks(), policy.Interval) is null;

    // A minute's worth may begin at once.
    private static RatePolicy Of(int rate) => RatePolicy.AMinute(rate, rate);
}
