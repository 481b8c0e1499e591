namespace Ota.Agent;

/// <summary>
/// Keeps the device on a network: the known ones in turn, newest first, the rescue network last. A failed join never
/// erases anything. After the join deadline, or with nothing to join, the provisioning access point opens while joining
/// goes on.
/// </summary>
internal sealed class Joining
{
    private const int BetweenNetworks = 1;
    private const int BetweenRounds = 15;

    private readonly AgentOptions _unit;
    private readonly Platform _platform;
    private readonly DeviceState _state;
    private readonly Networks _networks;
    private readonly ServerLink _server;
    private readonly Journal _journal;
    private long _lostAt;
    private int _next;

    public Joining(
        AgentOptions unit, Platform platform, DeviceState state, Networks networks, ServerLink server, Journal journal)
    {
        _unit = unit;
        _platform = platform;
        _state = state;
        _networks = networks;
        _server = server;
        _journal = journal;
    }

    /// <summary>True when a network was joined since the start.</summary>
    public bool EverJoined { get; private set; }

    /// <summary>One attempt; 0 when joined, else the seconds to wait before the next.</summary>
    public int Turn()
    {
        var radio = _platform.Radio;

        // What is handed over before a clearing is recorded as done would fall to it.
        var handed = _state.Phase == RecoveryPhase.None ? radio.TakeProvisioned() : null;
        if (handed != null)
            Take(handed);
        if (!radio.Joined && !Join(radio))
        {
            var late = _networks.Count == 0 || _platform.Clock.Uptime - _lostAt >= _unit.JoinSeconds;
            if (late && !radio.ProvisioningOpen)
            {
                radio.OpenProvisioning();
                _journal.Note("access point open");
            }

            return _next == 0 ? BetweenRounds : BetweenNetworks;
        }

        // On the rescue network the access point stays open: a person may be standing there to hand over the real one.
        if (radio.ProvisioningOpen && _networks.Count > 0)
            radio.CloseProvisioning();
        EverJoined = true;
        _lostAt = _platform.Clock.Uptime;
        _next = 0;
        return 0;
    }

    /// <summary>Takes over what a person handed over; the word for why not, or null.</summary>
    /// <exception cref="StorageFaultException">The storage refused; a bundle may be used up nevertheless.</exception>
    public string Take(Provisioned handed)
    {
        var fault = _state.Phase == RecoveryPhase.None ? handed.Fault() : "busy";
        if (fault == null && handed.Bundle != null)
            handed = Open(handed.Bundle, out fault);
        if (fault == null)
        {
            _networks.Add(handed);
            _next = 0;
        }

        _journal.Note(fault == null ? "provisioned with " + handed.Network.Ssid : "not provisioned: " + fault);
        return fault;
    }

    // The number is spent before the network is kept: after a power cut between the two another bundle is needed, while
    // the other way round this one could be used again.
    private Provisioned Open(string bundle, out string fault)
    {
        fault = "not-enrolled";
        var identity = _server.Identity;
        if (identity == null)
            return null;
        var opened = WifiBundle.Open(bundle, identity, _state.HighestUnder(identity), _platform.Clock.Now, out fault);
        if (opened == null)
            return null;
        _state.Spend(identity, opened.Number);
        _state.Save();
        return opened.Content;
    }

    private bool Join(IRadio radio)
    {
        var network = _next < _networks.Count ? _networks[_next] : _unit.Rescue;
        var all = _networks.Count + (_unit.Rescue == null ? 0 : 1);
        _next = _next + 1 < all ? _next + 1 : 0;
        if (network == null)
            return false;
        var joined = radio.Join(network.Ssid, network.Password);
        _journal.Note((joined ? "joined " : "could not join ") + network.Ssid);
        return joined;
    }
}
