namespace Ota.Agent;

/// <summary>
/// What happens at every start, by the table below: the first row whose condition holds is acted on, until one of them
/// ends the search. Documented in docs/states.md. Whatever a row does is recorded before it takes effect, so a power
/// cut between any two rows leads back into this table.
/// </summary>
internal sealed class Boot
{
    private delegate bool Condition(Boot boot);

    /// <summary>True when the table is to be looked at again from the top.</summary>
    private delegate bool Action(Boot boot);

    private static readonly Row[] Rows =
    {
        new Row(
            "a wipe was begun → finish it",
            b => b.Phase == RecoveryPhase.Wiping, b => b.FinishWipe()),
        new Row(
            "a recovery is armed and its image damaged → give it up",
            b => b.Phase == RecoveryPhase.Armed && !b.CandidateWhole, b => b.FailRecovery()),
        new Row(
            "a recovery is armed → record that it executes, run its image once",
            b => b.Phase == RecoveryPhase.Armed, b => b.RunRecovery()),
        new Row(
            "a recovery is found executing → finish the clearing",
            b => b.Phase == RecoveryPhase.Executing, b => b.FinishRecovery()),
        new Row(
            "a recovery has cleared → return to what ran before",
            b => b.Phase == RecoveryPhase.Cleared, b => b.ReturnFromRecovery()),
        new Row(
            "the new image is damaged → revert",
            b => b.OnTrial && !b.CandidateWhole, b => b.Revert("image-damaged")),
        new Row(
            "the new image was never started → spend an attempt, start it on trial",
            b => b.Candidate.State == SlotState.Pending, b => b.StartTrial(b._unit.TrialAttempts)),
        new Row(
            "the new image has attempts left → spend one, start it on trial",
            b => b.OnTrial && b.Candidate.AttemptsLeft > 0, b => b.StartTrial(b.Candidate.AttemptsLeft)),
        new Row(
            "the new image has none left → revert",
            b => b.OnTrial, b => b.Revert("trial-attempts")),
        new Row(
            "the active image is whole → start it",
            b => b.ActiveWhole, b => b.StartConfirmed()),
        new Row(
            "the active image is damaged and the other one confirmed and whole → fall back to it",
            b => b.FallBackWhole, b => b.FallBack()),
        new Row(
            "otherwise → the bootstrap alone",
            b => true, b => b.StartNothing()),
    };

    private readonly AgentOptions _unit;
    private readonly Platform _platform;
    private readonly DeviceState _state;
    private readonly RecordPair _identity;
    private readonly CredentialClearing _clearing;
    private readonly ReleaseStatement[] _whole = new ReleaseStatement[2];
    private readonly bool[] _inspected = new bool[2];

    public Boot(
        AgentOptions unit, Platform platform, DeviceState state, RecordPair identity, CredentialClearing clearing)
    {
        _unit = unit;
        _platform = platform;
        _state = state;
        _identity = identity;
        _clearing = clearing;
    }

    /// <summary>Why the device started.</summary>
    public RestartCause Cause { get; private set; }

    /// <summary>
    /// The statement of what was started, as read from its slot; null when nothing but the bootstrap runs.
    /// </summary>
    public ReleaseStatement Running { get; private set; }

    /// <summary>True when what runs must yet prove itself.</summary>
    public bool RunsOnTrial { get; private set; }

    private RecoveryPhase Phase => _state.Phase;

    private SlotRecord Candidate => _state.Candidate;

    private bool OnTrial => Candidate.IsOnTrial;

    private bool CandidateWhole => Whole(_state.CandidateIndex) != null;

    private bool ActiveWhole => _state.Active >= 0 && Whole(_state.Active) != null;

    private bool FallBackWhole => _state.Active >= 0 && Candidate.State == SlotState.Confirmed && CandidateWhole;

    /// <summary>Decides what to start and starts it. Records once, before anything is started.</summary>
    public void Run()
    {
        Cause = _state.Intent != RestartCause.Unknown ? _state.Intent
            : Phase == RecoveryPhase.Executing || Phase == RecoveryPhase.Cleared ? RestartCause.Recovery
            : Candidate.State == SlotState.Trial ? RestartCause.Crash
            : RestartCause.Unknown;
        _state.Intent = RestartCause.Unknown;
        _state.Starts++;
        try
        {
            while (Step())
            {
            }
        }
        catch (StorageFaultException)
        {
            // What was begun is still recorded as begun, and taken up at another start; until then the device works.
            if (ActiveWhole)
                Start(_state.Active, SlotState.Confirmed);
        }
    }

    private bool Step()
    {
        for (var i = 0; i < Rows.Length; i++)
        {
            if (Rows[i].When(this))
                return Rows[i].Then(this);
        }

        return false;
    }

    private bool FinishWipe()
    {
        _clearing.Run();
        _identity.Clear();

        // What could still be reported belongs to the identity that is gone.
        _state.Reports.Clear();
        _state.Phase = RecoveryPhase.None;
        return true;
    }

    private bool FailRecovery()
    {
        Report(ReportState.Failed, _state.PhaseOrder, _state.PhaseDeployment, "image-damaged");
        _state.PhaseOrder = 0;
        EndRecovery();
        return true;
    }

    private bool RunRecovery()
    {
        _state.Phase = RecoveryPhase.Executing;
        _state.Save();
        if (RecoveryEndsWell(_state.CandidateIndex))
        {
            _state.Phase = RecoveryPhase.Cleared;
            _state.Intent = RestartCause.Recovery;
            Saved();
        }

        // A started image cannot be unloaded; and one that crashed is not started again: the next start finishes its
        // work.
        _platform.Power.Restart();
        return false;
    }

    private bool RecoveryEndsWell(int slot)
    {
        try
        {
            return _platform.Loader.RunRecovery(Whole(slot), _platform.Slots[slot], _clearing);
        }
        catch (StorageFaultException)
        {
            return false;
        }
    }

    private bool FinishRecovery()
    {
        _clearing.Run();
        _state.Phase = RecoveryPhase.Cleared;
        return true;
    }

    private bool ReturnFromRecovery()
    {
        Report(ReportState.Confirmed, _state.PhaseOrder, _state.PhaseDeployment, "cleared");
        EndRecovery();
        return true;
    }

    private void EndRecovery()
    {
        _state.Phase = RecoveryPhase.None;
        Candidate.State = SlotState.Empty;
    }

    private bool Revert(string reason)
    {
        if (Candidate.Reason.Length == 0)
            Candidate.Reason = reason;
        Candidate.State = SlotState.Reverted;
        Report(ReportState.Reverted, Candidate.Order, Candidate.Deployment, Candidate.Reason);
        return true;
    }

    private bool StartTrial(int attempts)
    {
        Candidate.State = SlotState.Trial;
        Candidate.AttemptsLeft = attempts - 1;
        if (!Saved())
            return ActiveWhole ? StartConfirmed() : StartNothing();
        RunsOnTrial = true;
        if (!Start(_state.CandidateIndex, SlotState.Trial))
            _platform.Power.Restart();
        return false;
    }

    private bool StartConfirmed()
    {
        Saved();

        // One that crashes at once is left alone: the agent goes on without it and can still be sent a better one.
        Start(_state.Active, SlotState.Confirmed);
        return false;
    }

    private bool FallBack()
    {
        var damaged = _state.Slots[_state.Active];
        damaged.State = SlotState.Reverted;
        damaged.Reason = "image-damaged";
        Report(ReportState.Reverted, damaged.Order, damaged.Deployment, damaged.Reason);
        _state.Active = _state.CandidateIndex;
        return true;
    }

    private bool StartNothing()
    {
        // Said once; the slot stays the active one, for what cannot be read today may be readable after the next start.
        if (_state.Active >= 0 && _state.Slots[_state.Active].Reason.Length == 0)
        {
            var damaged = _state.Slots[_state.Active];
            damaged.Reason = "image-damaged";
            Report(ReportState.Reverted, damaged.Order, damaged.Deployment, damaged.Reason);
        }

        Saved();
        return false;
    }

    // A storage that refuses must not keep a good image from running; a trial, though, is only begun once it was
    // recorded.
    private bool Saved()
    {
        try
        {
            _state.Save();
            return true;
        }
        catch (StorageFaultException)
        {
            return false;
        }
    }

    private bool Start(int slot, SlotState state)
    {
        Running = Whole(slot);
        return _platform.Loader.Start(Running, _platform.Slots[slot], state);
    }

    private void Report(ReportState state, long order, string deployment, string detail) =>
        _state.Add(new Report
        {
            State = state,
            Order = order,
            Deployment = deployment,
            Detail = detail,
            At = _platform.Clock.Now,
        });

    // Reading a whole image takes a while, so it is done once, and only when a row asks.
    private ReleaseStatement Whole(int slot)
    {
        if (!_inspected[slot])
        {
            _whole[slot] = SlotImage.Whole(_platform.Slots[slot], _state.Slots[slot]);
            _inspected[slot] = true;
        }

        return _whole[slot];
    }

    /// <summary>The rows as they read aloud, for the document that lists them.</summary>
    public static string[] Table()
    {
        var table = new string[Rows.Length];
        for (var i = 0; i < table.Length; i++)
            table[i] = Rows[i].Says;
        return table;
    }

    private sealed class Row
    {
        public readonly string Says;
        public readonly Condition When;
        public readonly Action Then;

        public Row(string says, Condition when, Action then)
        {
            Says = says;
            When = when;
            Then = then;
        }
    }
}
