namespace Ota.Server.Dashboard;

/// <summary>What is looked at once a beat at most, for all who look.</summary>
internal sealed class PerBeat<T>(Pulse pulse, Func<T> look)
{
    private readonly Lock _gate = new();
    private (long Beat, T Value)? _kept;

    /// <summary>As it is now; within one beat the same for everybody.</summary>
    public T Value
    {
        get
        {
            lock (_gate)
            {
                var beat = pulse.Number;
                if (_kept is not { } kept || kept.Beat != beat)
                    _kept = kept = (beat, look());
                return kept.Value;
            }
        }
    }
}
