namespace Ota.Server.Rollouts;

/// <summary>
/// What this server knows of how far a rollout has come, beside its row: how many have begun, as far as it has heard, and how many may
/// begin this minute.
/// </summary>
internal sealed class RolloutGauge(long begun)
{
    private readonly Lock _change = new();
    private double _tokens = double.MaxValue;
    private DateTimeOffset _filled;
    private long _begun = begun;

    /// <summary>Never more than have begun; where several servers let devices in, it may be fewer.</summary>
    public long Begun => Volatile.Read(ref _begun);

    /// <summary>The database said that so many have begun.</summary>
    public void Learn(long begun)
    {
        lock (_change)
            _begun = Math.Max(_begun, begun);
    }

    /// <summary>Whether there is room for one more this minute.</summary>
    public bool HasRoom(int? rate, DateTimeOffset now)
    {
        if (rate is not { } most)
            return true;
        lock (_change)
            return Fill(most, now) >= 1;
    }

    /// <summary>Takes the room for one; false when there is none.</summary>
    public bool TryTake(int? rate, DateTimeOffset now)
    {
        if (rate is not { } most)
            return true;
        lock (_change)
        {
            if (Fill(most, now) < 1)
                return false;
            _tokens--;
            return true;
        }
    }

    // A bucket that holds a minute's worth and is full at first.
    private double Fill(int most, DateTimeOffset now)
    {
        _tokens = Math.Min(most, _tokens == double.MaxValue ? most : _tokens + Math.Max(0, (now - _filled).TotalMinutes) * most);
        _filled = now;
        return _tokens;
    }
}
