using Ota.Server.Alerts;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Evidence;
using Ota.Server.Images;
using Ota.Server.Pins;
using Ota.Server.Products;
using Ota.Server.Recovery;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Settings;
using Ota.Server.Telemetry;
using Ota.Signing;

namespace Ota.Server.CheckIns;

/// <summary>
/// Decides a check-in. What tells nothing new is answered from memory and written behind; everything else is on disk before the device
/// hears of it.
/// </summary>
internal sealed partial class CheckInFlow(
    Fleet fleet,
    ProductCatalog products,
    ReleaseCatalog releases,
    RolloutBoard rollouts,
    RolloutChoices choices,
    IImageStore images,
    Database database,
    WriteBehind behind,
    SampleLog samples,
    AlertWatch alerts,
    SystemPinWriter pins,
    StrandedRecoveries recoveries,
    Meters meters,
    ServerSettings settings,
    TimeProvider time,
    ILogger<CheckInFlow> logger)
{
    /// <summary>When a device that was handed an order asks again if it hears nothing better.</summary>
    private static readonly TimeSpan AfterOffer = TimeSpan.FromMinutes(5);

    /// <summary>Null when the device may keep what it runs and nothing had to be written; the common case.</summary>
    public TimeSpan? Hold(Caller caller, CheckIn checkIn)
    {
        var device = caller.Device;
        if (products.Find(device.Product) is not { } product || caller.IsStale || recoveries.MayBeStranded(device, checkIn.Running)
            || !CheckInPolicy.TellsNothingNew(device, checkIn, product))
            return null;
        var now = time.GetUtcNow();
        if (HeldByRollouts(device, checkIn, product, now) is not { } soonest)
            return null;
        var wait = Sooner(product.Poll.UntilNext(device.Id, now), soonest);
        // It may have an order that a held rollout keeps back.
        var last = device.Heard;
        pins.Heard(device, last?.CheckIn, checkIn, about: device.Open);
        device.Heard = new Heard(checkIn, now, now + wait, caller.Generation);
        Keep(device, last, checkIn, now);
        meters.CheckIn("held");
        return wait;
    }

    /// <summary>Notes that a client was told by its own dialect when to ask again.</summary>
    public void Expect(Caller caller, TimeSpan wait)
    {
        if (caller.IsStale || caller.Device.Heard is not { } heard || heard.Next == heard.At + wait)
            return;
        caller.Device.Heard = new Heard(heard.CheckIn, heard.At, heard.At + wait, heard.Generation);
        behind.Add(caller.Device);
    }

    /// <summary>The whole decision, for one device at a time; null when it has enrolled anew since it was asked who it is.</summary>
    public Task<CheckInDecision?> DecideAsync(Caller caller, CheckIn checkIn, CancellationToken cancellation) =>
        StaleException.RetryAsync(() => DecideOnceAsync(caller, checkIn, cancellation));

    private async Task<CheckInDecision?> DecideOnceAsync(Caller caller, CheckIn checkIn, CancellationToken cancellation)
    {
        var device = caller.Device;
        using var held = await fleet.LockAsync(device, cancellation);
        if (caller.IsStale)
            return null;
        if (device.Decommissioned is { } decommission)
            return Farewell(decommission);
        if (database.IsShared)
            Learn(device);
        var product = products.Find(device.Product)!;
        var board = rollouts.Of(product.Name);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var draft = new Draft(device, checkIn, now);

        draft.IsShutOut = device.ChecksTooLittle(product);
        draft.Observe();
        var soonest = Instruct(draft, product, board);
        var handed = Offer(draft, product, board);
        var wait = draft.HandsOut ? AfterOffer : draft.IsDeferred ? SignalPolicy.AskAgain : Sooner(product.Poll.UntilNext(device.Id, now), soonest);
        var heard = new Heard(checkIn, now, now + wait, caller.Generation);
        var order = await database.WriteAsync(connection => draft.Write(connection, heard), cancellation, device.Basis);
        var last = device.Heard;
        pins.Heard(device, last?.CheckIn, checkIn, draft.Open ?? (draft.Ended is [.., var end] ? end : null));
        draft.Apply(heard);
        if (draft.Learned is var (counted, begun))
            rollouts.GaugeOf(counted).Learn(begun);
        // A batch that was on its way may have written the check-in before this one over it.
        Keep(device, last, checkIn, now);
        foreach (var ended in draft.Ended)
            DeploymentLog.Ended(logger, meters, ended);
        meters.CheckIn(order is null ? "decided" : "offered");
        if (order is not null)
            Log.Offered(logger, device.Id, order.Action, order.Number, order.Deployment);
        return new CheckInDecision(order, handed.Statement, handed.Image, wait, IsGone: draft.Open is { Action: DeploymentAction.Decommission })
        {
            HandsOut = order is not null || draft.IsLooking || draft.Open is { IsTwoStep: true } ? handed.Release : null,
            Deployment = draft.Open,
        };
    }

    // Null when a rollout may have something for it; else when it had better ask again, if that is soon.
    private TimeSpan? HeldByRollouts(Device device, CheckIn checkIn, Product product, DateTimeOffset now)
    {
        // In this order: whoever changes the device's facts without our seeing them changes what it has considered afterwards.
        var considered = device.Considered;
        var board = rollouts.Of(product.Name);
        var open = device.Open;
        if (open is not null && checkIn.IsBusy)
            return TimeSpan.MaxValue;
        if (open is not null && !CheckInPolicy.Waits(open, checkIn, board.Find(open.Rollout), releases.Find(open.Release)))
            return null;
        if (ReferenceEquals(considered, board))
            return TimeSpan.MaxValue;
        var choice = choices.Choose(new Asking(device, checkIn, open, device.Instruction, product, now), board);
        if (!choice.IsHeld)
            return null;
        if (choice.IsSteady)
            device.Consider(considered, board);
        return choice.AskAgain ?? TimeSpan.MaxValue;
    }

    private static TimeSpan Sooner(TimeSpan one, TimeSpan other) => one < other ? one : other;

    // The device's facts were read this moment; another server may have begun what is in them before this one has heard of the rest. What is
    // taken for stopped would be ended for good.
    private void Learn(Device device)
    {
        if (products.Find(device.Product) is null)
            products.Load();
        if (device.Open is not { } open)
            return;
        if (open.Release is not null && releases.Find(open.Release) is null)
            releases.Load();
        if (open.Rollout is { } id && rollouts.Of(device.Product).LatestFirst.All(active => active.Id != id) && rollouts.Find(id) is { IsOver: false })
            rollouts.Load([device.Product]);
    }

    // In memory, and behind the answer on disk.
    private void Keep(Device device, Heard? last, CheckIn checkIn, DateTimeOffset now)
    {
        behind.Add(device);
        if (samples.Add(device, checkIn, now) is { } sample)
            alerts.Heard(device, last, sample);
    }

    // For as long as the order is good it is said again: the first answer may have been lost. Then the token means nothing any more.
    private CheckInDecision? Farewell(Deployment decommission) =>
        decommission.OrderNumber > 0 && decommission.OrderExpires > time.GetUtcNow()
            ? new CheckInDecision(Order.Of(decommission), null, null, AfterOffer, IsGone: true)
            : null;

    // A later rollout takes the place of what has not begun to be installed. When the device had better ask again, if that is soon.
    private TimeSpan Instruct(Draft draft, Product product, ActiveRollouts board)
    {
        if (draft.CheckIn.Slot == SlotState.Trial || draft.Open is { CanBeReplaced: false })
            return TimeSpan.MaxValue;
        var asking = new Asking(draft.Device, draft.CheckIn, draft.Open, draft.Instruction, product, draft.Now, draft.Stepped);
        var choice = choices.Choose(asking, board);
        draft.Considered = choice.IsSteady ? board : null;
        if (choice.Rollout is not { } rollout)
            return choice.AskAgain ?? TimeSpan.MaxValue;
        var decision = rollout.State == RolloutState.Returning ? choices.Return(rollout, asking) : choice.Decision;
        if (decision.IsSkip)
            draft.Skip(rollout.Id);
        if (decision.Begins is not { } begins)
            return TimeSpan.MaxValue;
        if (decision.Purpose == DeploymentPurpose.Return || rollouts.GaugeOf(rollout.Id).TryTake(rollout.Plan.Rate))
            draft.Begin(rollout, begins.Id, decision.Purpose);
        else
            // Another device took the last room of this minute; it looks again when it asks again.
            draft.Considered = null;
        return TimeSpan.MaxValue;
    }

    private Handed Offer(Draft draft, Product product, ActiveRollouts board)
    {
        if ((draft.Open ?? recoveries.ToResume(draft.Device, draft.CheckIn)) is { IsTwoStep: true } recovery)
            return Recover(draft, recovery);

        // What was stopped after the device had the image, but before it started it.
        if (draft.Open is { State: not (DeploymentState.Trial or DeploymentState.AwaitingReturn) } stopped)
        {
            if (stopped.CanBeCalledOff && stopped.Deadline <= draft.Now)
                draft.End(DeploymentState.Expired, null);
            else if (releases.Find(stopped.Release) is { Withdrawn: not null })
                draft.End(DeploymentState.Withdrawn, "the release was withdrawn");
            else if (stopped.Rollout is { } rollout && board.LatestFirst.All(active => active.Id != rollout))
                draft.End(DeploymentState.Cancelled, $"rollout {rollout} is over");
            else if (board.Find(stopped.Rollout) is { State: RolloutState.Returning }
                && stopped is { Purpose: not DeploymentPurpose.Return, CanBeCalledOff: true })
                draft.End(DeploymentState.Cancelled, $"rollout {stopped.Rollout} is returned");
        }

        // Before any release: one signed by a key that the device has yet to hear of would be refused for good.
        if (draft.CheckIn.Slot == SlotState.Confirmed
            && product.KeyStatementAfter(draft.CheckIn.KeyCounter) is { } keys && keys.Counter != draft.Device.RefusedKeys)
        {
            draft.OfferKeys(keys.Counter, keys.Text, settings.OrderLife);
            return new Handed(keys.Text);
        }

        if (draft.Open is { Action: DeploymentAction.Decommission })
        {
            draft.Offer("to wipe and be decommissioned", settings.OrderLife);
            return default;
        }

        if (draft.Open is { State: not DeploymentState.AwaitingReturn } open && !draft.CheckIn.IsBusy && board.Find(open.Rollout) is not { IsHeld: true })
        {
            var release = releases.Find(open.Release)!;
            switch (DeploymentPolicy.Decide(draft.CheckIn, new OfferedRelease(release.Id, release.SecurityCounter)))
            {
                case null when draft.IsShutOut:
                    break;
                case null when open.Action == DeploymentAction.Install
                        && SignalPolicy.Waits(product.Signal, draft.CheckIn.Rssi, open.Deferred, draft.Now):
                    draft.Defer();
                    break;
                case null when draft.IsLooking:
                    return new Handed(Release: release);
                case null:
                    draft.Offer(
                        open.Action == DeploymentAction.Recover ? $"the recovery {release.Version}" : release.Version, settings.OrderLife);
                    return new Handed(
                        release.Statement, images.LinkTo(release.Image.Sha256)?.AbsoluteUri ?? "/images/" + release.Image.Sha256, release);
                case HoldReason.RollbackForbidden:
                    draft.End(DeploymentState.Refused, "security-counter");
                    break;
            }
        }

        return default;
    }

    // Until its image was fetched the recovery build may still be withdrawn; from then on the unit must be brought back.
    private Handed Recover(Draft draft, Deployment open)
    {
        if (draft.CheckIn.IsBusy && draft.CheckIn.Release != open.Release)
            return default;
        var build = releases.Find(open.Release)!;
        if (build.Withdrawn is not null && open.CanBeCalledOff)
        {
            draft.End(DeploymentState.Withdrawn, "the release was withdrawn");
            return default;
        }

        var running = draft.CheckIn.Tells == Telling.Version ? draft.CheckIn.Running : null;
        var answer = TwoStepRecovery.Ask(TwoStepDeployment.Of(open, build, releases.Find(open.Returns)!), running, draft.Now);
        var handed = releases.Find(answer.HandOut);
        if (!draft.IsLooking || handed is null)
            draft.Recover(open, open.With(answer.Next), handed?.Version);
        return new Handed(Release: handed);
    }

    private readonly record struct Handed(string? Statement = null, string? Image = null, Release? Release = null);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "{Device} is handed order {Number} to {Action}, deployment {Deployment}.")]
        public static partial void Offered(ILogger logger, string device, string action, long number, string deployment);
    }
}
