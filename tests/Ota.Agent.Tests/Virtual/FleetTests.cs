using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Virtual;

public sealed class FleetTests : IDisposable
{
    private static readonly Uri Nowhere = new("http://127.0.0.1:9");
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-fleet-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_fleet_enrolls_updates_and_remembers_it_after_its_process_ended()
    {
        await using var server = await ProtocolServer.StartAsync();
        server.Rollout = Build.Of("1.0.0");
        string[] ids;
        await using (var fleet = await Fleet.OpenAsync(Options(server.Address), Stop))
        {
            var statuses = await fleet.RunOnceAsync(null, Stop);
            ids = [.. statuses.Select(s => s.HardwareId)];
            Assert.All(statuses, s => Assert.Equal(("1.0.0", "A", "confirmed"), (s.Running, s.Slot, s.State)));
            Assert.Equal(20, ids.Distinct().Count());
            Assert.All(statuses, s => Assert.Equal(ProtocolServer.Sha256Of(Build.Of("1.0.0").Image), s.ImageSha256));
        }

        server.Rollout = Build.Of("2.0.0");
        await using var again = await Fleet.OpenAsync(Options(server.Address), Stop);
        var updated = await again.RunOnceAsync(null, Stop);

        Assert.Equal(ids, updated.Select(s => s.HardwareId));
        Assert.All(updated, s => Assert.Equal(("2.0.0", "B", "confirmed"), (s.Running, s.Slot, s.State)));
        Assert.Equal(20, server.Requests.Count(r => r.StartsWith("POST /agent/v1/enroll", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Bad_units_revert_and_keep_what_they_ran()
    {
        await using var server = await ProtocolServer.StartAsync();
        server.Rollout = Build.Of("1.0.0");
        await using (var good = await Fleet.OpenAsync(Options(server.Address), Stop))
            await good.RunOnceAsync(null, Stop);

        server.Rollout = Build.Of("2.0.0");
        await using var fleet = await Fleet.OpenAsync(Options(server.Address) with { BadUnits = 0.25 }, Stop);
        var statuses = await fleet.RunOnceAsync(null, Stop);

        Assert.Equal(5, statuses.Count(s => s is { Running: "1.0.0", State: "reverted", Detail: "confirm-deadline" }));
        Assert.Equal(15, statuses.Count(s => s is { Running: "2.0.0", State: "confirmed" }));
    }

    [Fact]
    public async Task A_bad_unit_that_runs_one_version_falls_back_to_it_from_the_next()
    {
        await using var server = await ProtocolServer.StartAsync();
        server.Rollout = Build.Of("1.0.0");
        await using var fleet = await Fleet.OpenAsync(Options(server.Address) with { BadUnits = 0.05, BadUnitsRun = "1.0.0" }, Stop);

        var first = await fleet.RunOnceAsync(null, Stop);
        server.Rollout = Build.Of("1.1.0");
        var next = await fleet.RunOnceAsync(null, Stop);

        Assert.All(first, s => Assert.Equal(("1.0.0", "confirmed"), (s.Running, s.State)));
        Assert.Single(next, s => s is { Running: "1.0.0", State: "reverted" });
        Assert.Equal(19, next.Count(s => s is { Running: "1.1.0", State: "confirmed" }));
    }

    [Fact]
    public async Task A_second_process_on_the_same_folder_is_told_so()
    {
        await using var fleet = await Fleet.OpenAsync(Options(Nowhere), Stop);

        var fault = await Assert.ThrowsAsync<IOException>(() => Fleet.OpenAsync(Options(Nowhere), Stop));

        Assert.Contains("another process", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_said_plainly()
    {
        await using var fleet = await Fleet.OpenAsync(Options(Nowhere), Stop);

        await Assert.ThrowsAsync<ServerUnreachableException>(() => fleet.RunOnceAsync(null, Stop));
    }

    [Fact]
    public async Task A_wrong_enrollment_key_shows_in_the_status()
    {
        await using var server = await ProtocolServer.StartAsync();
        await using var fleet = await Fleet.OpenAsync(Options(server.Address) with { EnrollmentKey = "wrong" }, Stop);

        var statuses = await fleet.RunOnceAsync(null, Stop);

        Assert.All(statuses, s => Assert.Equal(("not-enrolled", "the server answered 403"), (s.State, s.Detail)));
    }

    [Fact]
    public async Task A_key_that_is_none_is_an_error_before_anything_is_made()
    {
        var options = Options(Nowhere) with { ReleaseKeysPem = ["no key"] };

        await Assert.ThrowsAsync<ArgumentException>(() => Fleet.OpenAsync(options, Stop));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task A_live_fleet_follows_a_rollout_until_it_is_stopped()
    {
        await using var server = await ProtocolServer.StartAsync();
        server.Rollout = Build.Of("1.0.0");
        await using var fleet = await Fleet.OpenAsync(
            Options(server.Address) with { PollOverride = TimeSpan.FromMilliseconds(50) }, Stop);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var updated = new HashSet<string>();
        var progress = new Inline(status =>
        {
            lock (updated)
            {
                if (status.Running == "1.0.0")
                    server.Rollout = Build.Of("2.0.0");
                if (status is { Running: "2.0.0", State: "confirmed" }
                    && updated.Add(status.HardwareId)
                    && updated.Count == 20)
                    stop.Cancel();
            }
        });

        await fleet.RunAsync(progress, stop.Token);

        Assert.Equal(20, updated.Count);
    }

    [Fact]
    public async Task A_stopped_run_leaves_devices_that_go_on_in_the_next()
    {
        await using var server = await ProtocolServer.StartAsync();
        server.Rollout = Build.Of("1.0.0");
        await using var fleet = await Fleet.OpenAsync(Options(server.Address), Stop);
        using var stop = new CancellationTokenSource();
        server.Intercept = async context =>
        {
            if (!context.Request.Path.StartsWithSegments("/images"))
                return false;
            await stop.CancelAsync();
            return false;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fleet.RunOnceAsync(null, stop.Token));

        server.Intercept = null;
        var statuses = await fleet.RunOnceAsync(null, Stop);

        Assert.All(statuses, s => Assert.Equal(("1.0.0", "confirmed"), (s.Running, s.State)));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private FleetOptions Options(Uri server) => new(
        server,
        "thermostat",
        Vectors.Secret("enrollmentKey"),
        "virtual",
        [Vectors.Text("TEST-ONLY-release-key.pub.pem")],
        _folder,
        20);

    private sealed class Inline(Action<DeviceStatus> told) : IProgress<DeviceStatus>
    {
        public void Report(DeviceStatus value) => told(value);
    }
}
