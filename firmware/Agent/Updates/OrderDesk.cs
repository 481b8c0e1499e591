namespace Ota.Agent;

/// <summary>What came of an order.</summary>
internal enum OrderResult
{
    /// <summary>Nothing more to do for it.</summary>
    Done,

    /// <summary>An installation has begun.</summary>
    Installing,

    /// <summary>It takes effect with a restart.</summary>
    Restart,
}

/// <summary>
/// Where orders arrive: checks them in the order of docs/protocol.md §3.3, spends their number before anything else
/// happens, and sets going what they ask for.
/// </summary>
internal sealed class OrderDesk
{
    private readonly Platform _platform;
    private readonly DeviceState _state;
    private readonly TrustedKeys _trusted;
    private readonly Outbox _outbox;
    private readonly ServerLink _server;
    private readonly StatementCheck _check;
    private Installation _installation;

    public OrderDesk(
        AgentOptions unit, Platform platform, DeviceState state, TrustedKeys trusted, Outbox outbox, ServerLink server)
    {
        _platform = platform;
        _state = state;
        _trusted = trusted;
        _outbox = outbox;
        _server = server;
        _check = new StatementCheck(unit, trusted);
    }

    public bool IsInstalling => _installation != null;

    /// <summary>Seconds to wait before going on with the installation.</summary>
    public int InstallWait => _installation.Wait;

    /// <summary>Highest number accepted under the present order key; 0 for none.</summary>
    public long LastOrder => _state.HighestUnder(_server.Identity);

    /// <summary>Number of the order for which credentials were cleared last, under the present order key; 0 for none.</summary>
    public long Cleared => LastOrder > 0 && _state.Phase == RecoveryPhase.None ? _state.PhaseOrder : 0;

    /// <summary>Checks the order a check-in brought and acts on it.</summary>
    public OrderResult Take(CheckIn answer)
    {
        var now = _platform.Clock.Now;
        var verified = VerifiedOrder.Check(answer.Order, _server.Identity, LastOrder, now, out var fault);
        if (verified == null)
        {
            // Nobody vouches for it, so it must not cost a flash write: it is said once and forgotten.
            _outbox.Note(ReportState.Refused, fault.Number, fault.Deployment, fault.Step);
            return OrderResult.Done;
        }

        if (_outbox.HasEnded(verified.Order.Deployment))
            return OrderResult.Done;
        _state.Spend(_server.Identity, verified.Order.Number);
        switch (verified.Order.Action)
        {
            case OrderAction.Decommission:
                return Decommission(verified);
            case OrderAction.Rotate:
                return Rotate(verified, answer.Release);
            default:
                return Begin(verified, answer.Release, answer.Image);
        }
    }

    /// <summary>Goes on with the installation.</summary>
    public InstallationResult Install()
    {
        var result = InstallationResult.Over;
        try
        {
            result = _installation.Continue();
        }
        catch (StorageFaultException)
        {
            result = _installation.End(ReportState.Failed, "storage");
        }

        if (result == InstallationResult.Over)
            _installation = null;
        return result;
    }

    private OrderResult Begin(VerifiedOrder verified, string statement, string address)
    {
        var slot = _platform.Slots[_state.CandidateIndex];
        var step = _check.Release(verified, statement, _state.Floor, slot.Capacity, out var release);

        // Without an address there is no image; it is the image step that misses it.
        if (step == null && string.IsNullOrEmpty(address))
            step = Refusal.Image;
        if (step != null)
            return Refuse(verified, step);
        try
        {
            _installation = new Installation(
                _platform, _state, _outbox, _server, verified, release, statement, address);
            return OrderResult.Installing;
        }
        catch (StorageFaultException)
        {
            _outbox.Keep(ReportState.Failed, verified.Order.Number, verified.Order.Deployment, "storage");
            _state.Save();
            return OrderResult.Done;
        }
    }

    private OrderResult Rotate(VerifiedOrder verified, string statement)
    {
        // The same statement again: the power went, or the report was lost, after the keys were taken over.
        if (verified.Order.Release != _trusted.Statement)
        {
            var step = _check.Keys(verified, statement, out var keys);
            if (step != null)
                return Refuse(verified, step);
            _state.Save();
            _trusted.Replace(keys.Keys, keys.Counter, verified.Order.Release);
        }

        _outbox.Note(ReportState.Confirmed, verified.Order.Number, verified.Order.Deployment, "");
        return OrderResult.Done;
    }

    private OrderResult Decommission(VerifiedOrder verified)
    {
        // Said before the wipe, for afterwards there is no token left to say it with.
        _outbox.Note(ReportState.Accepted, verified.Order.Number, verified.Order.Deployment, "");
        _state.Phase = RecoveryPhase.Wiping;
        _state.PhaseOrder = verified.Order.Number;
        _state.PhaseDeployment = verified.Order.Deployment;
        _state.Intent = RestartCause.Recovery;
        _state.Save();
        _outbox.Deliver();
        return OrderResult.Restart;
    }

    private OrderResult Refuse(VerifiedOrder verified, string step)
    {
        _outbox.Keep(ReportState.Refused, verified.Order.Number, verified.Order.Deployment, step);
        _state.Save();
        return OrderResult.Done;
    }
}
