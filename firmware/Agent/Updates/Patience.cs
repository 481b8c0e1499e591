namespace Ota.Agent;

/// <summary>
/// How long a body may take. A server that sends a byte now and then never times out; this ends the waiting for it.
/// </summary>
internal sealed class Patience
{
    private readonly IClock _clock;
    private readonly int _seconds;
    private long _since;

    public Patience(IClock clock, int seconds)
    {
        _clock = clock;
        _seconds = seconds;
        Renew();
    }

    /// <summary>Counts from now again.</summary>
    public void Renew() => _since = _clock.Uptime;

    /// <exception cref="HttpFaultException">It took longer.</exception>
    public void Check()
    {
        if (_clock.Uptime - _since > _seconds)
            throw new HttpFaultException("the body comes too slowly");
    }
}
