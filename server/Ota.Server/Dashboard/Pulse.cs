namespace Ota.Server.Dashboard;

/// <summary>
/// Tells open pages once a second to look whether what they show has changed. They look in memory, where every change comes to, also one that
/// another server made; only a page whose facts have changed asks the database. While nobody looks it stands still.
/// </summary>
internal sealed partial class Pulse(TimeProvider time, ILogger<Pulse> logger) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);
    private readonly Lock _gate = new();
    private readonly HashSet<Beat> _beats = [];
    private ITimer? _timer;
    private long _number;

    /// <summary>Grows with every beat; what was computed in one need not be computed again in it.</summary>
    public long Number => Volatile.Read(ref _number);

    /// <summary>Calls at every beat, until disposed; not again before it has come to its end.</summary>
    public IDisposable Every(Func<Task> look)
    {
        var beat = new Beat(this, look);
        lock (_gate)
        {
            _beats.Add(beat);
            _timer ??= time.CreateTimer(_ => OnTimer(), state: null, Interval, Interval);
        }

        return beat;
    }

    public void Dispose() => _timer?.Dispose();

    private void OnTimer()
    {
        Interlocked.Increment(ref _number);
        Beat[] beats;
        lock (_gate)
            beats = [.. _beats];
        foreach (var beat in beats)
            beat.Look();
    }

    private void Forget(Beat beat)
    {
        lock (_gate)
        {
            if (!_beats.Remove(beat) || _beats.Count > 0)
                return;
            _timer?.Dispose();
            _timer = null;
            // What was computed last is old when somebody looks again.
            Interlocked.Increment(ref _number);
        }
    }

    private sealed class Beat(Pulse pulse, Func<Task> look) : IDisposable
    {
        private int _busy;

        public async void Look()
        {
            if (Interlocked.Exchange(ref _busy, 1) == 1)
                return;
            try
            {
                await look();
            }
#pragma warning disable CA1031 // Nobody waits for it, so an exception would end the process; the next beat looks again.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                if (fault is not (ObjectDisposedException or OperationCanceledException))
                    Log.Failed(pulse.Logger, fault);
            }
            finally
            {
                Volatile.Write(ref _busy, 0);
            }
        }

        public void Dispose() => pulse.Forget(this);
    }

    private ILogger Logger => logger;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "A page could not be brought up to date; it tries again.")]
        public static partial void Failed(ILogger logger, Exception fault);
    }
}
