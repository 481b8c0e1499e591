using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts;

namespace Ota.Server.Tests.Releases;

/// <summary>A unit as it truly is, slots and all, and what the server has heard of it.</summary>
internal sealed class ModelUnit(string hardware, string? group)
{
    public string Hardware => hardware;

    public string? Group => group;

    /// <summary>The release in the slot it runs from; null for the bootstrap alone.</summary>
    public Release? Runs { get; set; }

    /// <summary>What lies confirmed in its other slot.</summary>
    public Release? Other { get; set; }

    public Release? Trial { get; set; }

    /// <summary>The order it was handed and has not carried out.</summary>
    public (Release Release, DateTimeOffset Expires)? Order { get; set; }

    public int Floor { get; set; }

    public bool SaysVersionOnly { get; init; }

    public CheckIn? Last { get; set; }

    public Ran? Before { get; set; }

    public Deployment? Open { get; set; }

    public long Instruction { get; set; }

    public bool IsDecommissioned { get; set; }

    /// <summary>What it said, confirmed, and before that; kept by the test for itself.</summary>
    public List<Release?> Confirmed { get; } = [];

    /// <summary>Asks, and so tells the server what it runs.</summary>
    public void Say()
    {
        var runs = Trial ?? Runs;
        var said = new CheckIn(
            runs?.Version ?? "0.0.0", SaysVersionOnly ? null : runs?.Id, Trial is null ? SlotState.Confirmed : SlotState.Trial, Floor, 0, 0, 0,
            new Restart("update", 0, 1), 1, -60, 1000, hardware);
        Before = Ran.Before(Before, Last, said);
        Last = said;
        if (Trial is null && (Confirmed.Count == 0 || Confirmed[^1]?.Id != Runs?.Id))
            Confirmed.Add(Runs);
    }

    public DeviceNeeds? Needs => IsDecommissioned ? null : new DeviceNeeds(
        ARelease.Product, hardware, Last is null ? new Ran(Runs?.Version ?? "0.0.0", null) : new Ran(Last.Running, Last.Release), Before, Open);
}

/// <summary>A product, its builds and its units, and everything that may happen to them.</summary>
internal sealed class RetentionWorld
{
    public static readonly string[] Hardware = ["virtual", "esp32"];
    public static readonly string?[] Groups = [null, "kitchens", "cellars"];
    private static readonly TimeSpan OrderLife = TimeSpan.FromDays(1);
    private static readonly string[][] Builds = [["virtual"], ["esp32"], ["virtual", "esp32"], ["virtual"]];
    private long _number;

    public DateTimeOffset Now { get; private set; } = ARelease.Past;

    public Product Product { get; private set; } = ARelease.ProductThat(new ImageRetention(1, 1));

    public List<Release> Releases { get; } = [];

    public List<ModelUnit> Units { get; } = [];

    /// <summary>Active, latest first.</summary>
    public List<Rollout> Rollouts { get; } = [];

    public Dictionary<string, DateTimeOffset> LastOrders { get; } = [];

    public IEnumerable<ModelUnit> Living => Units.Where(unit => !unit.IsDecommissioned);

    public void Do(int what, int a, int b)
    {
        switch (what)
        {
            case 0 or 1 or 2: Upload(a, b); break;
            case 3 or 4: Enroll(a, b); break;
            case 5 or 6: RollOut(Pick(Applications, a), b); break;
            case 7: OrderOne(Unit(a), Pick(Applications, b)); break;
            case 8 or 9 or 10 or 11: Ask(Unit(a)); break;
            case 12 or 13 or 14: Try(Unit(a)); break;
            case 15 or 16 or 17: Confirm(Unit(a)); break;
            case 18: Revert(Unit(a)); break;
            case 19: FallBack(Unit(a), isHeard: b % 2 == 0); break;
            case 20: Recover(Unit(a)); break;
            case 21: ComeBack(Unit(a)); break;
            case 22: Cancel(Unit(a)); break;
            case 23: Withdraw(Pick(Releases, a)); break;
            case 24 when Rollouts.Count > 0: Rollouts.RemoveAt(a % Rollouts.Count); break;
            case 25: Decommission(Unit(a)); break;
            case 26: Again(Pick(Releases, a)); break;
            case 27: Product = Product with { Retention = b == 0 ? null : new ImageRetention((a % 3) + 1, (b % 12) + 1) }; break;
            case 28 or 29 or 30: Now += TimeSpan.FromHours(1 + (a * b)); break;
        }
    }

    public RetentionFacts Facts() => new(
        Releases,
        new Dictionary<string, Product> { [Product.Name] = Product },
        Living.Select(unit => unit.Needs!),
        Rollouts,
        _ => false,
        release => LastOrders.TryGetValue(release, out var expires) ? expires : null);

    /// <summary>What a pass does with its verdicts.</summary>
    public void Apply(IReadOnlyList<ImageVerdict> verdicts)
    {
        foreach (var verdict in verdicts)
        {
            var at = Releases.FindIndex(release => release.Id == verdict.Release.Id);
            if (verdict.IsNeeded)
                Releases[at] = Releases[at] with { Needed = Now };
            if (verdict.Kept is null)
                Releases[at] = Releases[at] with { Image = Releases[at].Image with { Deleted = Now } };
        }
    }

    /// <summary>What a unit in this place would be handed by a rollout when it asks now; null for nothing.</summary>
    public Release? HandedTo(string hardware, string? group, int floor, long instruction, string? runs)
    {
        foreach (var rollout in Rollouts.Where(rollout => rollout.Id > instruction
            && (rollout.Hardware is null || rollout.Hardware == hardware)
            && (rollout.Target == RolloutTarget.All || rollout.Group == group)))
        {
            if (Applications.FirstOrDefault(release => release.Version == rollout.Version && release.Hardware.Contains(hardware)
                && release.Withdrawn is null && release.Image.Deleted is null) is not { } build)
                continue;
            if (build.Id == runs)
                return null;
            if (build.SecurityCounter >= floor)
                return build;
        }

        return null;
    }

    private IReadOnlyList<Release> Applications => [.. Releases.Where(release => release.Kind == "application")];

    private ModelUnit? Unit(int a) => Pick([.. Living], a);

    private static T? Pick<T>(IReadOnlyList<T> from, int a)
        where T : class => from.Count == 0 ? null : from[a % from.Count];

    // Versions come in pairs, so that one has a build for each hardware; now and then another's bytes.
    private void Upload(int a, int b)
    {
        var hardware = Builds[a % Builds.Length];
        var version = $"1.{Releases.Count / 2}.0";
        if (Releases.Any(there => there.Version == version && there.Hardware.Intersect(hardware).Any()))
            version = $"2.{Releases.Count}.0";
        var image = b % 5 == 0 && Pick([.. Releases.Where(there => there.Image.Deleted is null)], a) is { } other ? other.Image.Sha256 : null;
        var release = ARelease.Of(version, image: image ?? $"image-{Releases.Count}");
        Releases.Add(release with
        {
            Id = $"id-{Releases.Count}", Uploaded = Now, Hardware = hardware, SecurityCounter = b % 3 == 0 ? a % 3 : 0,
            Channel = a % 7 == 0 ? "beta" : "stable", Kind = b % 6 == 1 ? "recovery" : "application",
        });
    }

    // One in four leaves the factory with an application, and tells its version alone.
    private void Enroll(int a, int b) => Units.Add(new ModelUnit(Hardware[a % 2], Groups[b % 3])
    {
        SaysVersionOnly = a % 4 == 3, Runs = a % 4 == 3 ? Pick([.. Applications.Where(build => build.Hardware.Contains(Hardware[a % 2]))], b) : null,
    });

    private void RollOut(Release? release, int b)
    {
        if (release is not { Withdrawn: null, Image.Deleted: null }
            || Releases.Any(build => build.Version == release.Version && build.Image.Deleted is not null))
            return;
        var group = Groups[b % 3];
        Rollouts.Insert(0, new Rollout(
            ++_number, ARelease.Product, release.Version, b % 4 == 3 ? release.Hardware[0] : null,
            group is null ? RolloutTarget.All : RolloutTarget.Group, group, RolloutState.Active, Now, "someone", Ended: null));
    }

    private void OrderOne(ModelUnit? unit, Release? release)
    {
        if (unit is null or { Open.CanBeReplaced: false } || release is not { Withdrawn: null, Image.Deleted: null }
            || !release.Hardware.Contains(unit.Hardware))
            return;
        unit.Open = Begin(release);
        unit.Instruction = unit.Open.Id;
    }

    // Rollouts first, then what is open is handed out.
    private void Ask(ModelUnit? unit)
    {
        if (unit is null)
            return;
        unit.Say();
        if (unit.Trial is not null)
            return;
        if (unit.Open is null or { CanBeReplaced: true }
            && HandedTo(unit.Hardware, unit.Group, unit.Floor, unit.Instruction, unit.SaysVersionOnly ? null : unit.Runs?.Id) is { } handed)
        {
            unit.Open = Begin(handed);
            unit.Instruction = _number;
        }

        if (unit.Open is not { Release: { } ordered } open || open.State > DeploymentState.Offered
            || Releases.First(release => release.Id == ordered) is not { Withdrawn: null } build)
            return;
        unit.Open = open with { State = DeploymentState.Offered, Returns = open.Action == DeploymentAction.Recover ? unit.Last!.Release : null };
        unit.Order = (build, Now + OrderLife);
        LastOrders[build.Id] = Now + OrderLife;
    }

    // It carries out an order whatever the server did with the deployment since. The image goes to the other slot.
    private void Try(ModelUnit? unit)
    {
        if (unit is not { Order: { } order, Trial: null })
            return;
        unit.Order = null;
        if (order.Expires <= Now || order.Release.Kind != "application")
            return;
        unit.Other = null;
        unit.Trial = order.Release;
        unit.Say();
        if (unit.Open?.Release == order.Release.Id)
            unit.Open = unit.Open with { State = DeploymentState.Trial };
    }

    private static void Confirm(ModelUnit? unit)
    {
        if (unit is not { Trial: { } trial })
            return;
        (unit.Other, unit.Runs, unit.Trial) = (unit.Runs, trial, null);
        unit.Floor = Math.Max(unit.Floor, trial.SecurityCounter);
        unit.Say();
        if (unit.Open?.Release == trial.Id)
            unit.Open = null;
    }

    private static void Revert(ModelUnit? unit)
    {
        if (unit is not { Trial: { } trial })
            return;
        unit.Trial = null;
        unit.Say();
        if (unit.Open?.Release == trial.Id)
            unit.Open = null;
    }

    // The flash of what it runs is damaged; the server hears of it sooner or later.
    private static void FallBack(ModelUnit? unit, bool isHeard)
    {
        if (unit is not { Other: { } other, Trial: null })
            return;
        (unit.Runs, unit.Other) = (other, unit.Runs);
        if (isHeard)
            unit.Say();
    }

    private void Recover(ModelUnit? unit)
    {
        if (unit is null or { Open.CanBeReplaced: false }
            || Releases.LastOrDefault(release => release is { Kind: "recovery", Withdrawn: null } && release.Hardware.Contains(unit.Hardware)) is not { } build)
            return;
        unit.Open = Begin(build) with { Action = DeploymentAction.Recover };
        unit.Instruction = unit.Open.Id;
    }

    // The recovery build takes the other slot and leaves it empty.
    private static void ComeBack(ModelUnit? unit)
    {
        if (unit is not { Open: { Action: DeploymentAction.Recover, State: DeploymentState.Offered } })
            return;
        (unit.Other, unit.Order) = (null, null);
        unit.Say();
        unit.Open = null;
    }

    private static void Cancel(ModelUnit? unit)
    {
        if (unit is { Open.CanBeCalledOff: true })
            unit.Open = null;
    }

    private void Withdraw(Release? release)
    {
        if (release is null)
            return;
        Releases[Releases.IndexOf(release)] = release with { Withdrawn = release.Withdrawn ?? Now };
        foreach (var unit in Living.Where(unit => unit.Open?.Release == release.Id))
            Cancel(unit);
    }

    private static void Decommission(ModelUnit? unit)
    {
        if (unit is not null)
            (unit.IsDecommissioned, unit.Open, unit.Order) = (true, null, null);
    }

    private void Again(Release? pushed)
    {
        if (pushed is not { Withdrawn: null, Image.Deleted: not null })
            return;
        for (var i = 0; i < Releases.Count; i++)
        {
            if (Releases[i].Image.Sha256 == pushed.Image.Sha256)
                Releases[i] = Releases[i] with { Image = Releases[i].Image with { Deleted = null }, Needed = Releases[i].Id == pushed.Id ? Now : Releases[i].Needed };
        }
    }

    private Deployment Begin(Release release) => new(
        ++_number, Rollout: null, "device", ARelease.Product, release.Id, DeploymentState.Ordered, Detail: null, Now, "someone",
        Offered: null, Ended: null, OrderNumber: 0, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);
}
