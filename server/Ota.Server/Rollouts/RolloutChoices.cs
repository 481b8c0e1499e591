using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts.Filters;
using Ota.Signing;

namespace Ota.Server.Rollouts;

/// <summary>A device that asks, or is thought to.</summary>
/// <param name="CheckIn">Null before its first.</param>
/// <param name="Open">Its open deployment.</param>
/// <param name="Instruction">Number of the latest deployment or rollout it was given.</param>
/// <param name="Stepped">The rollout whose step it has just confirmed, by this very check-in.</param>
internal readonly record struct Asking(
    Device Device, CheckIn? CheckIn, Deployment? Open, long Instruction, Product Product, DateTimeOffset Now, long? Stepped = null)
{
    public TimeZoneInfo Zone => Device.Zone ?? Product.Poll.Zone;

    /// <summary>As it last said.</summary>
    public static Asking Of(Device device, Product product, DateTimeOffset now) =>
        new(device, device.Heard?.CheckIn, device.Open, device.Instruction, product, now);
}

/// <summary>What the rollouts mean for a device that asks.</summary>
/// <param name="Rollout">The one that decides; null when all hold.</param>
/// <param name="Decision">What it decided; none for a device that may have to be brought back, which the database tells.</param>
/// <param name="IsSteady">Whether it stays so until the rollouts, the releases or the device change.</param>
/// <param name="AskAgain">When it had better ask, if that is sooner than its poll.</param>
internal readonly record struct RolloutChoice(Rollout? Rollout, RolloutDecision Decision, bool IsSteady, TimeSpan? AskAgain)
{
    /// <summary>True when there is nothing to be written.</summary>
    public bool IsHeld => Rollout is null;
}

/// <summary>Looks at a product's rollouts for one device: in memory alone, but for one that is brought back.</summary>
internal sealed class RolloutChoices(RolloutBoard rollouts, ReleaseCatalog releases, Database database)
{
    private static readonly TimeSpan SoonestForRate = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan SpreadForRate = TimeSpan.FromMinutes(10);

    /// <summary>The latest rollout that has something for the device; one that holds leaves it to those before.</summary>
    public RolloutChoice Choose(in Asking asking, ActiveRollouts board)
    {
        var (isSteady, askAgain) = (true, (TimeSpan?)null);
        foreach (var rollout in board.LatestFirst)
        {
            if (MayReturn(rollout, asking))
                return new RolloutChoice(rollout, default, isSteady, null);
            if (!RolloutPolicy.Concerns(rollout, asking.Device, asking.Instruction))
                continue;
            isSteady &= rollout.Plan.Where?.IsSteady ?? true;
            if (!Matches(rollout, asking))
                continue;
            var decision = Decide(rollout, asking);
            if (decision.Held is not { } held)
                return new RolloutChoice(rollout, decision, IsSteady: true, null);
            isSteady &= RolloutPolicy.IsSteady(held);
            askAgain = Sooner(askAgain, AskAgain(rollout, asking, held));
        }

        return new RolloutChoice(null, default, isSteady, askAgain);
    }

    /// <summary>Whether a rollout's filter takes the device.</summary>
    public static bool Matches(Rollout rollout, in Asking asking) =>
        rollout.Plan.Where is not { } where
        || where.Holds(DeviceFacts.Of(asking.Device, asking.CheckIn, asking.CheckIn is null ? null : asking.Now), asking.Now);

    public RolloutDecision Decide(Rollout rollout, in Asking asking)
    {
        var (product, device) = (asking.Product, asking.Device);
        var build = Build(product, rollout.Version, device.Hardware);
        var runs = asking.CheckIn?.Running ?? device.RunningAtEnrollment;
        var step = StepBefore(product, rollout.Version, runs);
        var stepBuild = step is null ? null : Build(product, step, device.Hardware);
        return RolloutPolicy.Decide(rollout.State, new Standing(
            asking.CheckIn?.Slot ?? SlotState.Confirmed,
            asking.CheckIn?.Release,
            asking.CheckIn?.SecurityCounter ?? 0,
            asking.Open is { CanBeReplaced: false },
            Offered(build),
            step is not null,
            Offered(stepBuild),
            IsAdmitted(rollout, device.Id) || HasPlace(rollout, asking),
            rollout.Plan.Window?.IsOpen(asking.Now, asking.Zone) ?? true,
            rollouts.GaugeOf(rollout.Id).HasRoom(rollout.Plan.Rate))
        {
            ChecksTooLittle = device.ChecksTooLittle(product),
        });
    }

    /// <summary>Whether the open wave lets a device in, as far as this server has heard.</summary>
    public bool IsAdmitted(Rollout rollout, string device) =>
        rollout.Plan.Waves.Admits(rollout.Wave, Waves.ShareOf(rollout.Id, device), rollouts.GaugeOf(rollout.Id).Begun);

    // It took a step, and with it a place: then its instruction is the number before the rollout's, which, rarely, may be another one.
    private bool HasPlace(Rollout rollout, in Asking asking)
    {
        if (asking.Instruction != rollout.Id - 1 || !rollout.IsOpen || rollout.Plan.Waves.MostIn(rollout.Wave) is null)
            return false;
        var device = asking.Device.Id;
        return asking.Stepped == rollout.Id || database.Read(connection => RolloutProgress.HasStepped(connection, rollout.Id, device));
    }

    /// <summary>What of a version can be handed to this hardware.</summary>
    public Release? Build(Product product, string version, string hardware)
    {
        foreach (var release in releases.BuildsFor(product.Name, version, hardware))
        {
            if (RolloutPolicy.MayOffer(release, product))
                return release;
        }

        return null;
    }

    /// <summary>Everything of a version that can be handed out.</summary>
    public Release[] Builds(Product product, string version, string? hardware) =>
    [
        .. releases.Builds(product.Name, version, hardware, ReleaseStatement.ApplicationKind)
            .Where(build => RolloutPolicy.MayOffer(build, product)),
    ];

    /// <summary>What a rollout that is returned hands a device that may have got it; asks the database.</summary>
    public RolloutDecision Return(Rollout rollout, in Asking asking)
    {
        var device = asking.Device.Id;
        var (got, before) = database.Read(connection => RolloutProgress.Before(connection, rollout.Id, device));
        return RolloutPolicy.DecideReturn(
            new Standing(
                asking.CheckIn!.Slot, asking.CheckIn.Release, asking.CheckIn.SecurityCounter, asking.Open is not null,
                Build: null, NeedsStep: false, Step: null, IsAdmitted: true, IsInWindow: true, IsPaced: true)
            {
                ChecksTooLittle = asking.Device.ChecksTooLittle(asking.Product),
            },
            got ? Before(asking.Product, before) : null);
    }

    /// <summary>What a device ran before, as it can be handed out.</summary>
    public OfferedRelease? Before(Product product, string? release) =>
        releases.Find(release) is { } before && RolloutPolicy.MayOffer(before, product) ? Offered(before) : null;

    /// <summary>
    /// Whether a device has what a rollout brought and was told nothing since, now that the rollout is returned. Whether the rollout brought
    /// it only the database knows.
    /// </summary>
    private bool MayReturn(Rollout rollout, in Asking asking) =>
        rollout.State == RolloutState.Returning
        && asking.Instruction == rollout.Id
        && asking.Open is null
        && asking.CheckIn is { Slot: SlotState.Confirmed, Release: { } runs }
        && releases.Find(runs)?.Version == rollout.Version;

    // The lowest, where there are several.
    private string? StepBefore(Product product, string version, string runs)
    {
        if (!VersionOrder.IsVersion(runs) || !VersionOrder.IsVersion(version))
            return null;
        foreach (var step in releases.StepsOf(product.Name))
        {
            if (VersionOrder.Compare(runs, step) < 0 && VersionOrder.Compare(step, version) < 0)
                return step;
        }

        return null;
    }

    private static TimeSpan? AskAgain(Rollout rollout, in Asking asking, RolloutHold held) => held switch
    {
        RolloutHold.OutsideWindow =>
            rollout.Plan.Window!.AskAgain(asking.Now, asking.Zone, Waves.ShareOf(rollout.Id, asking.Device.Id)),
        RolloutHold.Rate => SoonestForRate + SpreadForRate * Waves.ShareOf(rollout.Id, asking.Device.Id),
        _ => null,
    };

    private static TimeSpan? Sooner(TimeSpan? one, TimeSpan? other) => one is null || other < one ? other ?? one : one;

    private static OfferedRelease? Offered(Release? release) =>
        release is null ? null : new OfferedRelease(release.Id, release.SecurityCounter);
}
