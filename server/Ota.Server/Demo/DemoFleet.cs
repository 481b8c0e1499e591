using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Secrets;
using Ota.Signing;
using Ota.Virtual;

namespace Ota.Server.Demo;

/// <summary>
/// 25 virtual devices that live on this server, as clients over HTTP like any other: they enroll, run 1.0.0, and move to 1.1.0 when all have settled. One
/// of them is a bad unit: it runs 1.0.0, and falls back to it from 1.1.0.
/// </summary>
internal sealed partial class DemoFleet(
    DemoSetup setup,
    ReleaseCatalog releases,
    RolloutBoard rollouts,
    Devices.Fleet devices,
    MasterSecret master,
    DataDirectory data,
    IServer server,
    IHostApplicationLifetime lifetime,
    TimeProvider time,
    ILogger<DemoFleet> logger)
    : BackgroundService
{
    private const int Count = 25;
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);

        var product = await setup.ProductAsync(stoppingToken);
        await setup.DropAsync(DemoSetup.First, ReleaseStatement.ApplicationKind, stoppingToken);
        await setup.DropAsync(DemoSetup.Second, ReleaseStatement.ApplicationKind, stoppingToken);
        await setup.DropAsync(DemoSetup.Recovery, ReleaseStatement.RecoveryKind, stoppingToken);
        await using var fleet = await Virtual.Fleet.OpenAsync(Options(product), stoppingToken);
        await Task.WhenAll(fleet.RunAsync(progress: null, stoppingToken), TellAsync(stoppingToken));
    }

    // First everyone to 1.0.0, then, when each has confirmed or fallen back, everyone to 1.1.0: so there is a history to look at.
    private async Task TellAsync(CancellationToken cancellation)
    {
        using var timer = new PeriodicTimer(Look, time);
        foreach (var version in new[] { DemoSetup.First, DemoSetup.Second })
        {
            await UntilAsync(timer, () => releases.Builds(DemoSetup.ProductName, version, null, null).Count > 0, cancellation);
            if (rollouts.List(DemoSetup.ProductName).Any(rollout => rollout.Version == version))
                continue;
            await setup.RollOutAsync(version, cancellation);
            Log.RolledOut(logger, version, Count, Address(), data.AdminKey);
            await UntilAsync(timer, AllSettled, cancellation);
        }
    }

    private bool AllSettled()
    {
        var ours = devices.All.Where(device => device.Product == DemoSetup.ProductName).ToArray();
        return ours.Length >= Count && ours.All(device => device.Open is null && device.State is "confirmed" or "reverted");
    }

    private static async Task UntilAsync(PeriodicTimer timer, Func<bool> done, CancellationToken cancellation)
    {
        while (!done())
            await timer.WaitForNextTickAsync(cancellation);
    }

    private string Address() =>
        server.Features.Get<IServerAddressesFeature>()!.Addresses.First()
            .Replace("://*", "://localhost", StringComparison.Ordinal)
            .Replace("://+", "://localhost", StringComparison.Ordinal)
            .Replace("://0.0.0.0", "://127.0.0.1", StringComparison.Ordinal)
            .Replace("://[::]", "://[::1]", StringComparison.Ordinal);

    private FleetOptions Options(Product product) =>
        new(
            new Uri(Address() + "/"),
            product.Name,
            master.EnrollmentKey(product.Name, product.EnrollmentGeneration),
            "virtual",
            [.. product.ReleaseKeys.Select(key => key.Pem)],
            Path.Combine(setup.Folder, "fleet"),
            Count)
        {
            BadUnits = 1.0 / Count,
            BadUnitsRun = DemoSetup.First,
            KeyCounter = product.KeyCounter,
            PollOverride = TimeSpan.FromSeconds(10),
        };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, 
            "Demo: rolling out {Version} to {Count} virtual devices. Watch them: 'ota login --server {Address} --staff-key-file {AdminKey}', then 'ota device watch'; "
            + "README.md says how to install ota.")]
        public static partial void RolledOut(ILogger logger, string version, int count, string address, string adminKey);
    }
}
