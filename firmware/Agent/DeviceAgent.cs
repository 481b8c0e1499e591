namespace Ota.Agent;

/// <summary>
/// The agent: <see cref="Start"/> once after power-on, then <see cref="Turn"/> again and again, each time after the
/// seconds it asked for. It never sleeps, keeps no threads and touches the hardware through its <see cref="Platform"/>
/// only, so one process can live through a thousand of them, and a simulator can cut the power between any two of its
/// steps.
/// </summary>
internal sealed class DeviceAgent
{
    private const int FirstRetry = 30;
    private const int LongestRetry = 3600;
    private const int LongestTrialRetry = 60;

    // Seconds until a start that the storage kept from finishing a recovery or a wipe is followed by another.
    private const int UnfinishedSeconds = 600;

    // Below the patience of the platforms' HTTP.
    private const int LongestPinWait = 25;

    private readonly AgentOptions _unit;
    private readonly Platform _platform;
    private readonly DeviceState _state;
    private readonly RecordPair _identityRecord;
    private readonly Boot _boot;
    private readonly Joining _joining;
    private readonly ServerLink _server;
    private readonly CheckIn _checkIn;
    private readonly Outbox _outbox;
    private readonly CredentialClearing _clearing;
    private readonly OrderDesk _orders;
    private readonly Enrollment _enrollment;
    private readonly PinLine _pins;
    private bool _onTrial;
    private int _faults;

    public DeviceAgent(AgentOptions unit, Platform platform)
    {
        _unit = unit;
        _platform = platform;
        _identityRecord = new RecordPair(platform.Records, RecordKind.Identity);
        _state = new DeviceState(new RecordPair(platform.Records, RecordKind.State));
        Networks = new Networks(new RecordPair(platform.Records, RecordKind.Networks));
        var trusted = new TrustedKeys(new RecordPair(platform.Records, RecordKind.Keys));
        _clearing = new CredentialClearing(platform.Radio, Networks);
        _boot = new Boot(unit, platform, _state, _identityRecord, _clearing);
        Journal = new Journal(platform.Clock);
        _server = new ServerLink(unit, platform.Http, platform.Clock);
        _joining = new Joining(unit, platform, _state, Networks, _server, Journal);
        _checkIn = new CheckIn(unit, platform, _server, trusted);
        _outbox = new Outbox(_state, _server, platform.Clock, Journal);
        _orders = new OrderDesk(unit, platform, _state, trusted, _outbox, _server);
        _enrollment = new Enrollment(unit, _server, _identityRecord);
        _pins = new PinLine(_server, platform.Clock, Journal, platform.Pins);
    }

    /// <summary>The networks and the owner this unit knows.</summary>
    public Networks Networks { get; }

    /// <summary>What it did since its start.</summary>
    public Journal Journal { get; }

    /// <summary>The statement of what runs; null for nothing but the bootstrap.</summary>
    public ReleaseStatement Running => _boot.Running;

    public bool OnTrial => _onTrial;

    public DeviceState State => _state;

    /// <summary>Who this is to the server; null before enrollment.</summary>
    public Identity Identity => _server.Identity;

    /// <summary>The report made last since the start, or null.</summary>
    public Report LastReport => _outbox.Last;

    /// <summary>Status of the server's last answer to enroll or check-in, 0 when there was none.</summary>
    public int LastStatus { get; private set; }

    /// <summary>True while the server's last answer was none that a device can use, or there was none.</summary>
    public bool IsCutOff => _faults > 0;

    /// <summary>True while an image is on its way into a slot.</summary>
    public bool IsInstalling => _orders.IsInstalling;

    /// <summary>True when the last turn found nothing left to do until the next poll.</summary>
    public bool Settled { get; private set; }

    /// <summary>Decides what to start, and starts it (docs/states.md, "Start").</summary>
    public void Start()
    {
        _boot.Run();
        _onTrial = _boot.RunsOnTrial;
        _server.Identity = Identity.Load(_identityRecord);
        Journal.Note("started (" + CheckIn.NameOf(_boot.Cause) + "), runs " + RunningVersion + (_onTrial ? " on trial" : ""));
        if (_onTrial)
            _outbox.Note(ReportState.Trial, _state.Candidate.Order, _state.Candidate.Deployment, "");
    }

    /// <summary>Does what is due; the seconds until it wants to be called again.</summary>
    public int Turn()
    {
        Settled = false;
        try
        {
            if (_onTrial && _platform.Clock.Uptime >= _unit.TrialSeconds)
                GiveUpTrial();
            if (IsUnfinished && _platform.Clock.Uptime >= UnfinishedSeconds)
                Restart(RestartCause.Recovery);
            var wait = Act();

            // A trial's deadline is never slept through.
            var left = _unit.TrialSeconds - _platform.Clock.Uptime;
            return _onTrial && wait > left ? (int)left : wait;
        }
        catch (StorageFaultException)
        {
            return Retry(-1);
        }
    }

    /// <summary>
    /// Serves the virtual pins while nothing else is due, for up to <see cref="AgentOptions.PinWait"/> seconds or as many as
    /// are given; true when the next <see cref="Turn"/> is wanted at once. Writes nothing to the storage.
    /// </summary>
    public bool ServePins(int most)
    {
        if (!_platform.Radio.Joined || IsUnfinished)
            return false;
        var wait = _unit.PinWait < most ? _unit.PinWait : most;
        return _pins.Serve(wait < LongestPinWait ? wait : LongestPinWait);
    }

    /// <summary>Restarts because a person asked for it.</summary>
    public void RestartForUser() => Restart(RestartCause.User);

    /// <summary>Clears Wi-Fi and owner because a person at the device asked for it.</summary>
    public void ClearCredentials()
    {
        _clearing.Run();
        Journal.Note("cleared by a person");
    }

    /// <summary>Takes a network or a bundle from a person at the device; the word for why not, or null.</summary>
    public string Provision(Provisioned handed)
    {
        try
        {
            return _joining.Take(handed);
        }
        catch (StorageFaultException)
        {
            return "storage";
        }
    }

    /// <summary>How it stands, for a person with a cable: <c>name=value</c>, a tab before each, nothing secret.</summary>
    public string StatusFields() =>
        "\truns=" + RunningVersion
        + "\tslot=" + (_onTrial ? "trial" : "confirmed")
        + "\tdevice=" + (Identity == null ? "" : Identity.Device)
        + "\thardware-id=" + _unit.HardwareId
        + "\tproduct=" + _unit.Product
        + "\twifi=" + (_platform.Radio.Joined ? "joined" : "not-joined")
        + "\tsignal=" + _platform.Radio.Rssi.ToString()
        + "\tnetworks=" + Networks.Count.ToString()
        + "\taccess-point=" + (_platform.Radio.ProvisioningOpen ? "open" : "closed")
        + "\tserver=" + LastStatus.ToString()
        + "\tuptime=" + _platform.Clock.Uptime.ToString()
        + "\tstarted-by=" + CheckIn.NameOf(_boot.Cause)
        + "\tfree=" + _platform.Power.FreeMemory.ToString();

    private string RunningVersion => Running == null ? "0.0.0" : Running.Version;

    private bool IsUnfinished => _state.Phase != RecoveryPhase.None;

    private int Act()
    {
        // Who is being wiped has no identity to speak with, and must not get the next one before the wipe is over.
        if (_state.Phase == RecoveryPhase.Wiping)
            return FirstRetry;
        var wait = _joining.Turn();
        if (wait > 0)
            return wait;
        if (_server.Identity == null && !Enroll())
            return Retry(-1);

        // An image that runs but never says that it works gets no check-in, and so no confirmation.
        if (_onTrial && !_platform.Loader.Ready)
            return FirstRetry;
        if (_orders.IsInstalling)
            return Install();
        _outbox.Deliver();
        var result = Ask();
        if (_onTrial && (result == CheckInResult.Hold || result == CheckInResult.Ordered))
        {
            // What it was offered on trial it will be offered again.
            Confirm();
            result = Ask();
        }

        return Follow(result);
    }

    private int Follow(CheckInResult result)
    {
        if (result == CheckInResult.Nothing)
            return Retry(_checkIn.RetryAfter);
        _faults = 0;
        if (result != CheckInResult.Hold && !IsUnfinished)
        {
            switch (_orders.Take(_checkIn))
            {
                case OrderResult.Restart:
                    _platform.Power.Restart();
                    return 0;
                case OrderResult.Installing:
                    return Install();
            }
        }

        var delivered = _outbox.Deliver();

        // A refused order may be followed by the next one at once; the server says when.
        Settled = delivered && result == CheckInResult.Hold;
        return delivered ? Poll() : Retry(-1);
    }

    private CheckInResult Ask()
    {
        var result = _checkIn.Ask(_state, _boot, _onTrial, _orders);
        LastStatus = _checkIn.Status;
        Journal.Note(LastStatus == 0 ? "no answer to a check-in" : "check-in answered " + LastStatus.ToString());
        return result;
    }

    private int Install()
    {
        _outbox.Deliver();
        switch (_orders.Install())
        {
            case InstallationResult.Ready:
                _platform.Power.Restart();
                return 0;
            case InstallationResult.Waiting:
                return _orders.InstallWait;
            default:
                _outbox.Deliver();
                return Retry(-1);
        }
    }

    private bool Enroll()
    {
        try
        {
            _server.Identity = _enrollment.Ask(RunningVersion);
        }
        catch (HttpFaultException)
        {
            // Asked again after a while.
        }

        LastStatus = _enrollment.Status;
        Journal.Note(LastStatus == 0 ? "no answer to the enrollment" : "enrollment answered " + LastStatus.ToString());
        return _server.Identity != null;
    }

    // The floor rises here and nowhere else, and the image that ran before stays in its slot to fall back to.
    private void Confirm()
    {
        var confirmed = _state.Candidate;
        confirmed.State = SlotState.Confirmed;
        _state.Active = _state.CandidateIndex;
        if (confirmed.SecurityCounter > _state.Floor)
            _state.Floor = confirmed.SecurityCounter;
        _outbox.Keep(ReportState.Confirmed, confirmed.Order, confirmed.Deployment, "");
        _state.Save();
        _onTrial = false;
    }

    // The boot table does the reverting; here its reason is recorded and no attempt is left.
    private void GiveUpTrial()
    {
        _state.Candidate.AttemptsLeft = 0;
        _state.Candidate.Reason = "confirm-deadline";
        Restart(_joining.EverJoined ? RestartCause.ServerTimeout : RestartCause.WifiTimeout);
    }

    private void Restart(RestartCause cause)
    {
        Journal.Note("restarts (" + CheckIn.NameOf(cause) + ")");
        _state.Intent = cause;
        _state.Save();
        _platform.Power.Restart();
    }

    private int Poll()
    {
        var asked = _checkIn.RetryAfter;
        if (asked < 0)
            return _unit.DefaultPoll + _platform.Power.Random(_unit.DefaultPoll / 10);
        return asked < _unit.ShortestPoll ? _unit.ShortestPoll : asked > _unit.LongestPoll ? _unit.LongestPoll : asked;
    }

    // Doubles up to an hour, spread by chance so that a fleet does not come back as one. A trial has no hour to lose.
    private int Retry(int asked)
    {
        var wait = FirstRetry << (_faults < 7 ? _faults : 7);
        _faults++;
        if (wait < asked)
            wait = asked;
        var longest = _onTrial ? LongestTrialRetry : LongestRetry;
        if (wait > longest)
            wait = longest;
        return wait + _platform.Power.Random(wait / 4 + 1);
    }
}
