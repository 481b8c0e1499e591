using Ota.Server.Alerts;
using Ota.Server.Deployments;
using Ota.Server.Devices;

namespace Ota.Server.Dashboard;

/// <summary>A device that somebody should look at, and why, the gravest first.</summary>
internal sealed record Troubled(Device Device, IReadOnlyList<string> Why, string? Detail);

/// <summary>A count with its name; <paramref name="Of"/> is what it is a part of.</summary>
internal sealed record Tally(string Name, long Count, long Of);

/// <summary>The fleet at a glance.</summary>
/// <param name="Mark">Differs whenever a device's facts differ.</param>
internal sealed record FleetPicture(
    long Mark,
    int Devices,
    int UnderWay,
    int Heard,
    IReadOnlyList<Tally> States,
    IReadOnlyList<Tally> Versions,
    IReadOnlyList<Troubled> Troubled,
    IReadOnlyList<string> Groups);

/// <summary>What of the fleet is asked for; null is any.</summary>
internal sealed record FleetQuery(
    string? Search = null, string? Product = null, string? State = null, string? Group = null, bool TroubledOnly = false)
{
    /// <summary>Product and version, as the tally of what runs where names them.</summary>
    public string? Runs { get; init; }

    /// <summary>Id of what it runs.</summary>
    public string? Release { get; init; }
}

/// <summary>The fleet for people to look at: counted at most once a beat for all who look, paged and searched from memory.</summary>
internal sealed class FleetBoard
{
    private const int MostNames = 12;
    private static readonly string[] Reverted = ["reverted", "refused", "failed", "not-returned"];
    private static readonly string[] Gravest = ["stranded", "crash-loop", .. Reverted, "silent", "weak-signal"];
    private readonly Lock _gate = new();
    private readonly Fleet _fleet;
    private readonly AlertGlass _alerts;
    private readonly TimeProvider _time;
    private readonly PerBeat<FleetPicture> _picture;
    private Device[] _ordered = [];

    public FleetBoard(Fleet fleet, AlertGlass alerts, Pulse pulse, TimeProvider time) =>
        (_fleet, _alerts, _time, _picture) = (fleet, alerts, time, new PerBeat<FleetPicture>(pulse, Count));

    public FleetPicture Look() => _picture.Value;

    /// <summary>Those asked for in the order of their ids, a page of them, and how many there are in all.</summary>
    public (IReadOnlyList<Device> Page, int Count) Find(FleetQuery asked, int skip, int take)
    {
        var plain = DeviceNames.Plain(asked.Search ?? "");
        var troubled = asked.TroubledOnly ? Look().Troubled.Select(device => device.Device.Id).ToHashSet() : null;
        var (page, count) = (new List<Device>(take), 0);
        foreach (var device in Ordered())
        {
            if ((asked.Product is not null && device.Product != asked.Product)
                || (asked.State is not null && device.State != asked.State)
                || (asked.Group is not null && device.Group != asked.Group)
                || (asked.Runs is not null && NameOf(device.Product, Runs(device)) != asked.Runs)
                || (asked.Release is not null && device.Heard?.CheckIn.Release != asked.Release)
                || (troubled is not null && !troubled.Contains(device.Id))
                || (!string.IsNullOrWhiteSpace(asked.Search) && !DeviceEndpoints.Matches(device, asked.Search.Trim(), plain)))
                continue;
            if (count++ >= skip && page.Count < take)
                page.Add(device);
        }

        return (page, count);
    }

    /// <summary>How many devices say they run a release, by its id.</summary>
    public Dictionary<string, long> Running()
    {
        var running = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var device in _fleet.All)
        {
            if (device.Heard?.CheckIn.Release is { } release)
                running[release] = running.GetValueOrDefault(release) + 1;
        }

        return running;
    }

    /// <summary>The devices that say they run a release, in the order of their ids.</summary>
    public List<Device> RunningOn(string release) => [.. Ordered().Where(device => device.Heard?.CheckIn.Release == release)];

    public static string Runs(Device device) => Words.Runs(device.Running) + (device.IsRunningAssumed ? ", assumed" : "");

    private static string NameOf(string product, string version) => $"{product} {version}";

    private Device[] Ordered()
    {
        lock (_gate)
        {
            if (_ordered.Length != _fleet.Count)
                _ordered = [.. _fleet.All.OrderBy(device => device.Id, StringComparer.Ordinal)];
            return _ordered;
        }
    }

    private FleetPicture Count()
    {
        var (mark, devices, underWay, heard) = (0L, 0, 0, 0);
        var states = new Dictionary<string, long>(StringComparer.Ordinal);
        var versions = new Dictionary<(string Product, string Version), long>();
        var groups = new SortedSet<string>(StringComparer.Ordinal);
        var why = _alerts.Open.ToDictionary(
            open => open.Key, open => open.Select(trouble => (Word: AlertWords.Of(trouble.Kind), trouble.Detail)).ToList(), StringComparer.Ordinal);
        var day = _time.GetUtcNow().AddDays(-1);
        foreach (var device in _fleet.All)
        {
            devices++;
            // Of one device whatever changes, changes one of these; sums do not depend on the order.
            mark += HashCode.Combine(device.Id, device.Heard?.At, device.State, device.Group, device.Open?.State, device.Instruction);
            underWay += device.Open is null ? 0 : 1;
            heard += device.Heard?.At > day ? 1 : 0;
            states[device.State] = states.GetValueOrDefault(device.State) + 1;
            var runs = (device.Product, Runs(device));
            versions[runs] = versions.GetValueOrDefault(runs) + 1;
            if (device.Group is { } group)
                groups.Add(group);
            if (Reverted.Contains(device.State))
                (why.TryGetValue(device.Id, out var known) ? known : why[device.Id] = []).Add((device.State, "The last update did not stay."));
        }

        var troubled = why.Select(entry => (Device: _fleet.Find(entry.Key), Why: entry.Value)).Where(entry => entry.Device is { Decommissioned: null })
            .Select(entry => (entry.Device, Why: entry.Why.OrderBy(reason => Array.IndexOf(Gravest, reason.Word)).ToArray()))
            .OrderBy(entry => Array.IndexOf(Gravest, entry.Why[0].Word)).ThenBy(entry => entry.Device!.Id, StringComparer.Ordinal)
            .Select(entry => new Troubled(entry.Device!, [.. entry.Why.Select(reason => reason.Word)], entry.Why[0].Detail)).ToArray();
        return new FleetPicture(
            mark + troubled.Sum(device => (long)device.Device.Id.GetHashCode(StringComparison.Ordinal) * device.Why.Count), devices, underWay, heard,
            Most(states, devices),
            Most(versions.ToDictionary(entry => NameOf(entry.Key.Product, entry.Key.Version), entry => entry.Value), devices), troubled, [.. groups]);
    }

    private static List<Tally> Most(Dictionary<string, long> counts, int of)
    {
        var most = counts.OrderByDescending(entry => entry.Value).ThenBy(entry => entry.Key, StringComparer.Ordinal).Take(MostNames)
            .Select(entry => new Tally(entry.Key, entry.Value, of)).ToList();
        if (counts.Count > MostNames)
            most.Add(new Tally("others", of - most.Sum(tally => tally.Count), of));
        return most;
    }
}
