using System.Text;

namespace Ota.Agent;

/// <summary>Where an installation stands after an attempt to go on with it.</summary>
internal enum InstallationResult
{
    /// <summary>Go on later.</summary>
    Waiting,

    /// <summary>Refused, failed or given up; the agent is free for the next order.</summary>
    Over,

    /// <summary>The slot is ready and recorded so; the device must restart.</summary>
    Ready,
}

/// <summary>
/// One accepted order to install or to recover: its image on the way into the slot that does not run. Until the last
/// record the device would start exactly what it started before.
/// </summary>
internal sealed class Installation
{
    private const int MostFruitless = 8;

    private readonly Platform _platform;
    private readonly DeviceState _state;
    private readonly Outbox _outbox;
    private readonly Order _order;
    private readonly ReleaseStatement _release;
    private readonly ISlot _slot;
    private readonly ImageDownload _download;
    private bool _fromScratch;
    private int _fruitless;

    /// <summary>
    /// Takes the slot: records that nothing in it can be started any more, then stores the statement. The order's
    /// number must be in the state already and is saved by the same write.
    /// </summary>
    public Installation(
        Platform platform, DeviceState state, Outbox outbox, ServerLink server,
        VerifiedOrder verified, ReleaseStatement release, string compact, string address)
    {
        _platform = platform;
        _state = state;
        _outbox = outbox;
        _order = verified.Order;
        _release = release;
        _slot = platform.Slots[state.CandidateIndex];

        var record = state.Candidate;
        record.State = SlotState.Filling;
        record.Release = release.Hash;
        record.SecurityCounter = release.SecurityCounter;
        record.Order = _order.Number;
        record.Deployment = _order.Deployment;
        record.Reason = "";
        state.Save();
        if (SlotImage.Statement(_slot, release.Hash) == null)
            _slot.WriteStatement(Encoding.UTF8.GetBytes(compact));
        _download = new ImageDownload(server, _slot, release, address);
        outbox.Note(ReportState.Accepted, _order.Number, _order.Deployment, "");
        outbox.Note(ReportState.Downloading, _order.Number, _order.Deployment, _download.Percent.ToString() + "%");
    }

    /// <summary>Seconds to wait before going on.</summary>
    public int Wait => 15 << (_fruitless < 6 ? _fruitless : 6);

    /// <summary>
    /// Goes on until the image is there, the network fails without having brought anything, or it proves wrong.
    /// </summary>
    /// <exception cref="StorageFaultException">The slot or the record could not be written.</exception>
    public InstallationResult Continue()
    {
        while (true)
        {
            var before = _download.Good;
            var result = _download.Run(!_fromScratch);
            if (result == DownloadResult.Done)
                return Finish();
            if (result == DownloadResult.WrongBytes)
            {
                // Once may be a broken proxy or a server that cannot count; twice is the image itself.
                if (_fromScratch)
                    return End(ReportState.Refused, Refusal.Chunk);
                _fromScratch = true;
            }
            else if (_download.Good == before)
            {
                // Given up for now without a word: the server offers it again, and the good chunks stay where they are.
                return ++_fruitless == MostFruitless ? InstallationResult.Over : InstallationResult.Waiting;
            }
            else
            {
                _fruitless = 0;
            }
        }
    }

    /// <summary>Ends the deployment for good and says why.</summary>
    public InstallationResult End(ReportState state, string detail)
    {
        _state.Candidate.State = SlotState.Empty;
        _outbox.Keep(state, _order.Number, _order.Deployment, detail);
        _state.Save();
        return InstallationResult.Over;
    }

    private InstallationResult Finish()
    {
        if (!_platform.Loader.CanStart(_release, _slot))
            return End(ReportState.Refused, Refusal.Image);
        _outbox.Note(ReportState.Downloaded, _order.Number, _order.Deployment, "");
        _outbox.Deliver();
        if (_order.Action == OrderAction.Recover)
        {
            _state.Phase = RecoveryPhase.Armed;
            _state.PhaseOrder = _order.Number;
            _state.PhaseDeployment = _order.Deployment;
            _state.Intent = RestartCause.Recovery;
        }
        else
        {
            _state.Candidate.State = SlotState.Pending;
            _state.Intent = RestartCause.Update;
        }

        _state.Save();
        return InstallationResult.Ready;
    }
}
