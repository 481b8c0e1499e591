using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Alerts;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Evidence;
using Ota.Server.Releases;

namespace Ota.Server.Dashboard;

/// <summary>A device's signal at a moment.</summary>
public sealed record SignalPoint(DateTimeOffset At, double Rssi);

/// <summary>A start nobody or somebody meant.</summary>
public sealed record RestartPoint(DateTimeOffset At, double Rssi, string Cause);

/// <summary>Everything one device's page shows.</summary>
internal sealed record DevicePicture(
    DeviceStory Story, EvidenceReport Evidence, IReadOnlyList<SignalPoint> Signal, IReadOnlyList<RestartPoint> Restarts);

/// <summary>Reads what a device's page shows: five queries, however long its story is.</summary>
internal sealed class DeviceBook(Fleet fleet, Database database, ReleaseCatalog releases, SampleLog samples, AlertWatch alerts, TimeProvider time)
{
    private const int Days = 90;
    private const int MostPoints = 240;

    /// <summary>Null when there is no such device.</summary>
    public async Task<DevicePicture?> ReadAsync(string device)
    {
        if (fleet.Find(device) is not { } found)
            return null;
        // What was said a moment ago counts too, and what came of it.
        await samples.FlushAsync();
        await alerts.FlushAsync();
        if (DeviceEndpoints.Get(device, fleet, database, releases) is not { Result: Ok<DeviceStory> { Value: { } story } })
            return null;
        var from = time.GetUtcNow() - TimeSpan.FromDays(Days);
        var since = from.ToUnixTimeMilliseconds();
        var (hours, taken) = database.Read(connection => (
            SampleTable.Hours(connection, found.Id, since), SampleTable.Since(connection, found.Id, since)));
        var weighed = EvidencePolicy.Weigh([.. hours, .. Pieces.Of(taken)]);
        var isTold = story is { Dialect: null } or { Restarts: not null };
        var report = EvidencePolicy.WithFallBack(isTold ? weighed : EvidencePolicy.Untold(weighed), story.Deployments, from);
        return new DevicePicture(story, report, Signal(taken), Restarts(taken));
    }

    // So many that a line can show them; of those between, the weakest is what matters.
    private static IReadOnlyList<SignalPoint> Signal(IReadOnlyList<Sample> taken)
    {
        var known = taken.Where(sample => sample.Rssi != 0).ToArray();
        return [.. known.Chunk(Math.Max(1, (known.Length + MostPoints - 1) / MostPoints)).Select(some => some.MinBy(sample => sample.Rssi)!)
            .Select(sample => new SignalPoint(DateTimeOffset.FromUnixTimeMilliseconds(sample.At), sample.Rssi))];
    }

    private static IReadOnlyList<RestartPoint> Restarts(IReadOnlyList<Sample> taken) =>
        [.. taken.Zip(taken.Skip(1)).Where(pair => pair.Second.Restarts > pair.First.Restarts && pair.Second.Rssi != 0).TakeLast(MostPoints)
            .Select(pair => new RestartPoint(DateTimeOffset.FromUnixTimeMilliseconds(pair.Second.At), pair.Second.Rssi, pair.Second.Cause))];
}
