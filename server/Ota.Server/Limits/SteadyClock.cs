namespace Ota.Server.Limits;

/// <summary>
/// The clock that limits go by. Nobody sets it: one that is put back would hold everybody up, and one that is put ahead would forgive everything.
/// </summary>
internal static class SteadyClock
{
    /// <summary>Ticks since some moment, at which no server ran yet.</summary>
    public static long SteadyTicks(this TimeProvider time) => time.GetElapsedTime(0).Ticks;
}
