using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Rollouts;
using Ota.Signing;

namespace Ota.Server.Releases;

/// <summary>Why a release keeps its image. The first that applies is the one that is told; those down to <see cref="Rollout"/> are needs.</summary>
public enum KeepReason
{
    /// <summary>A device is to install it, or to return to it after a recovery.</summary>
    Deployment,

    /// <summary>A device runs it.</summary>
    Runs,

    /// <summary>A device ran it, confirmed, before what it runs now, and may return to it.</summary>
    MayReturn,

    /// <summary>A device was handed an order for it that is still good, whatever the server did with the deployment since.</summary>
    Ordered,

    /// <summary>A rollout may still hand it to a device, also to one that enrolls later.</summary>
    Rollout,

    /// <summary>An upload refers to the image.</summary>
    Uploaded,
    RecoveryBuild,

    /// <summary>Whoever runs an earlier version must pass through it, also a device that enrolls years later.</summary>
    Step,

    /// <summary>Its product keeps everything.</summary>
    NoRetention,

    /// <summary>Among the newest of a hardware and channel.</summary>
    Newest,

    /// <summary>Its days are not over.</summary>
    TooSoon,

    /// <summary>Another release needs the same bytes.</summary>
    Shared,
}

/// <summary>What the server knows of a device that has an identity.</summary>
/// <param name="Runs">What it said last; what it said when it enrolled if it has not checked in.</param>
internal sealed record DeviceNeeds(string Product, string Hardware, Ran Runs, Ran? Before, Deployment? Open)
{
    /// <summary>
    /// Null for one whose identity ended: it has nothing to ask with, and counts again when it enrolls. Under the device's lock.
    /// </summary>
    public static DeviceNeeds? Of(Device device) => device.Decommissioned is not null ? null : new DeviceNeeds(
        device.Product,
        device.Hardware,
        device.Heard is { CheckIn: var last } ? new Ran(last.Running, last.Release) : new Ran(device.RunningAtEnrollment, Release: null),
        device.Before,
        device.Open);
}

/// <summary>Everything a decision on images looks at.</summary>
/// <param name="Releases">All of all products: they share images.</param>
/// <param name="Rollouts">Those of all products that are not over.</param>
/// <param name="IsUploaded">Whether an upload refers to the image of this SHA-256.</param>
/// <param name="LastOrder">Until when the last order for this release is good; null when none was handed out.</param>
internal sealed record RetentionFacts(
    IReadOnlyCollection<Release> Releases,
    IReadOnlyDictionary<string, Product> Products,
    IEnumerable<DeviceNeeds> Devices,
    IReadOnlyCollection<Rollout> Rollouts,
    Predicate<string> IsUploaded,
    Func<string, DateTimeOffset?> LastOrder);

/// <summary>A release and why it keeps its image; null when the image may go.</summary>
internal sealed record ImageVerdict(Release Release, KeepReason? Kept)
{
    /// <summary>Its days count anew from every moment at which this is so.</summary>
    public bool IsNeeded => Kept <= KeepReason.Rollout;
}

/// <summary>Decides which images nobody needs any more. Pure: no clock, no database, no HTTP.</summary>
internal static class RetentionPolicy
{
    /// <summary>
    /// A verdict on each release that has its image. An image goes with the last release that needs it: that is when all that share it may lose it.
    /// </summary>
    public static IReadOnlyList<ImageVerdict> Decide(RetentionFacts facts, DateTimeOffset now)
    {
        var standing = facts.Releases.Where(release => release.Image.Deleted is null).ToArray();
        var needs = new Needs(standing, facts);
        var newest = Newest(standing, facts.Products);
        var verdicts = standing.Select(release => new ImageVerdict(release, Reason(release, needs.Of(release), newest, facts, now))).ToArray();
        var kept = verdicts.Where(verdict => verdict.Kept is not null).Select(verdict => verdict.Release.Image.Sha256).ToHashSet();
        return
        [
            .. verdicts.Select(verdict => verdict.Kept is null && kept.Contains(verdict.Release.Image.Sha256)
                ? verdict with { Kept = KeepReason.Shared }
                : verdict),
        ];
    }

    // The first arm that matches wins.
    private static KeepReason? Reason(
        Release release, KeepReason? need, HashSet<string> newest, RetentionFacts facts, DateTimeOffset now) =>
        facts.Products[release.Product].Retention switch
        {
            _ when need is not null => need,
            _ when facts.LastOrder(release.Id) > now => KeepReason.Ordered,
            _ when facts.IsUploaded(release.Image.Sha256) => KeepReason.Uploaded,
            _ when release is { Kind: ReleaseStatement.RecoveryKind, Withdrawn: null } => KeepReason.RecoveryBuild,
            _ when release is { IsStep: true, Withdrawn: null } => KeepReason.Step,
            null => KeepReason.NoRetention,
            _ when newest.Contains(release.Id) => KeepReason.Newest,
            { Days: var days } when now < Latest(release) + TimeSpan.FromDays(days) => KeepReason.TooSoon,
            _ => null,
        };

    private static DateTimeOffset Latest(Release release) => release.Needed > release.Uploaded ? release.Needed.Value : release.Uploaded;

    // What was withdrawn is nobody's newest.
    private static HashSet<string> Newest(IEnumerable<Release> standing, IReadOnlyDictionary<string, Product> products) =>
    [
        .. standing.Where(release => release is { Kind: ReleaseStatement.ApplicationKind, Withdrawn: null })
            .SelectMany(release => release.Hardware, (release, hardware) => (Release: release, Of: (release.Product, release.Channel, hardware)))
            .GroupBy(entry => entry.Of, entry => entry.Release)
            .SelectMany(stream => stream
                .OrderByDescending(release => release.Uploaded)
                .ThenByDescending(release => release.Id, StringComparer.Ordinal)
                .Take(products[stream.Key.Product].Retention?.Keep ?? 0))
            .Select(release => release.Id),
    ];

    /// <summary>The releases that a device or a rollout needs, and for what.</summary>
    private sealed class Needs
    {
        private readonly Dictionary<string, KeepReason> _byId = new(StringComparer.Ordinal);
        private readonly Dictionary<string, Release> _releases;
        private readonly ILookup<(string Product, string Version), Release> _builds;

        public Needs(Release[] standing, RetentionFacts facts)
        {
            _releases = facts.Releases.ToDictionary(release => release.Id, StringComparer.Ordinal);
            _builds = standing.ToLookup(release => (release.Product, release.Version));
            foreach (var device in facts.Devices)
                Add(device);
            foreach (var product in facts.Rollouts.GroupBy(rollout => rollout.Product))
                Add([.. product], facts.Products[product.Key]);
        }

        public KeepReason? Of(Release release) => _byId.TryGetValue(release.Id, out var reason) ? reason : null;

        private void Add(DeviceNeeds device)
        {
            Add(device.Open?.Release, KeepReason.Deployment);
            Add(device.Open?.Returns, KeepReason.Deployment);
            Add(device, device.Runs, KeepReason.Runs);
            if (device.Before is not null)
                Add(device, device.Before, KeepReason.MayReturn);
        }

        // Who names no statement that we know is believed by its version.
        private void Add(DeviceNeeds device, Ran ran, KeepReason reason)
        {
            if (ran.Release is not null && _releases.ContainsKey(ran.Release))
            {
                Add(ran.Release, reason);
                return;
            }

            foreach (var build in _builds[(device.Product, ran.Running)].Where(build => build.Hardware.Contains(device.Hardware)))
                Add(build.Id, reason);
        }

        private void Add(Rollout[] rollouts, Product product)
        {
            var offers = rollouts.ToDictionary(rollout => rollout.Id, rollout => _builds[(rollout.Product, rollout.Version)]
                .Where(build => build.Kind == ReleaseStatement.ApplicationKind && RolloutPolicy.MayOffer(build, product))
                .Where(build => rollout.Hardware is null || build.Hardware.Contains(rollout.Hardware))
                .ToArray());
            // One that brings devices back hands out what they ran before, which they keep by themselves.
            foreach (var rollout in rollouts.Where(rollout => rollout.State != RolloutState.Returning))
            {
                foreach (var build in offers[rollout.Id])
                {
                    // A later rollout may leave it the devices of one hardware and not those of another.
                    var isLeft = build.Hardware.Any(hardware => (rollout.Hardware is null || rollout.Hardware == hardware)
                        && !rollouts.Any(later => RolloutPolicy.Supersedes(later, rollout, [build with { Hardware = [hardware] }], offers[later.Id])));
                    if (isLeft)
                        Add(build.Id, KeepReason.Rollout);
                }
            }
        }

        private void Add(string? release, KeepReason reason)
        {
            if (release is not null && (!_byId.TryGetValue(release, out var there) || reason < there))
                _byId[release] = reason;
        }
    }
}
