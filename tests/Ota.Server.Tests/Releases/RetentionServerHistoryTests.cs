using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Tests.Running;
using Ota.Signing;

namespace Ota.Server.Tests.Releases;

/// <summary>
/// The same on a real server with real files: after every pass each image that a device runs, tries, may fall back to or holds a good order for is
/// there; a new device gets what it would have got without any retention; and when nobody is left only what the product keeps is left on the disk.
/// </summary>
public sealed class RetentionServerHistoryTests(ITestOutputHelper output)
{
    private const int Steps = 80;
    private const int Keep = 1;
    private static readonly int Histories = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 200 : 20;
    private static readonly string?[] Groups = [null, "kitchens", "cellars"];

    [Fact]
    public async Task Every_image_that_a_device_could_be_ordered_or_must_return_to_is_there()
    {
        var (passes, deleted) = (0, 0);
        for (var seed = 1; seed <= Histories; seed++)
        {
            await using var history = await History.BeginAsync(seed);
            await history.RunAsync();
            await history.EndAsync();
            passes += history.Passes;
            deleted += history.Deleted;
        }

        var said = $"cases: {Histories} histories on a real server, {passes} retention passes, {deleted} images deleted, none that was needed";
        output.WriteLine(said);
        Console.WriteLine(said);
        Assert.True(deleted > Histories, said);
    }

    private sealed record Unit(ADevice Device, string? Group)
    {
        public ABuild? Runs { get; set; }

        public ABuild? Other { get; set; }

        public ABuild? Trial { get; set; }

        public (ABuild Build, DateTimeOffset Expires, string Deployment, string Action)? Order { get; set; }

        public bool IsGone { get; set; }

        public Task<HttpResponseMessage> AskAsync()
        {
            var runs = Trial ?? Runs;
            Device.Slot = Trial is null ? "confirmed" : "trial";
            Device.Running = runs?.Statement.Version ?? "0.0.0";
            Device.Release = runs is null ? null : IdOf(runs);
            return Device.CheckInAsync();
        }
    }

    private sealed class History(RunningServer server, string enrollmentKey, int seed) : IAsyncDisposable
    {
        private readonly Random _random = new(seed);
        private readonly List<ABuild> _builds = [];
        private readonly HashSet<string> _withdrawn = [];
        private readonly List<Unit> _units = [];
        private readonly List<(string Version, string? Group)> _rollouts = [];
        private int _hardware;
        private bool _isRevived;

        public int Passes { get; private set; }

        public int Deleted { get; private set; }

        private DateTimeOffset Now => server.Time.GetUtcNow();

        private IReadOnlyList<Unit> Living => [.. _units.Where(unit => !unit.IsGone)];

        public static async Task<History> BeginAsync(int seed)
        {
            var server = await RunningServer.StartAsync(null, "--RecoveriesPerHour", "1000");
            var history = new History(server, await server.AddProductAsync(poll: "every 1h"), seed);
            await server.RetainAsync(Keep, days: 2);
            for (var i = 0; i < 3; i++)
                await history.EnrollAsync();
            await history.UploadAsync("application");
            await history.UploadAsync("recovery");
            return history;
        }

        public async Task RunAsync()
        {
            for (var step = 0; step < Steps; step++)
            {
                var unit = Living.Count == 0 ? null : Living[_random.Next(Living.Count)];
                switch (_random.Next(28))
                {
                    case 0 or 1: await UploadAsync("application"); break;
                    case 2 when Living.Count < 6: await EnrollAsync(); break;
                    case 3 or 4: await RollOutAsync(); break;
                    case 5: await OrderOneAsync(unit); break;
                    case 6 or 7 or 8 or 9: await AskAsync(unit); break;
                    case 10 or 11 or 12: await CarryOutAsync(unit); break;
                    case 13 or 14: await ConfirmAsync(unit); break;
                    case 15: await RevertAsync(unit); break;
                    case 16: await FallBackAsync(unit); break;
                    case 17: await RecoverAsync(unit); break;
                    case 18: await CancelAsync(unit); break;
                    case 19 when _random.Next(3) == 0: await WithdrawAsync(); break;
                    case 20 when _random.Next(3) == 0: await DecommissionAsync(unit); break;
                    case 20: await PushAgainAsync(); break;
                    case 21 or 22: server.Time.Ahead += TimeSpan.FromHours(_random.Next(1, 60)); break;
                    case 23 or 24 or 25:
                        await AskAsync(unit);
                        await CarryOutAsync(unit);
                        await ConfirmAsync(unit);
                        break;
                    default: await PassAsync(); break;
                }
            }
        }

        public async Task EndAsync()
        {
            await NewDevicesGetWhatTheyWouldAsync();
            foreach (var unit in Living)
                await DecommissionAsync(unit);
            foreach (var rollout in (await server.GetAsync("api/v1/rollouts")).EnumerateArray())
                await server.PostAsync($"api/v1/rollouts/{rollout.GetProperty("id").GetInt64()}/abort", new { });
            server.Time.Ahead += TimeSpan.FromDays(40);
            await PassAsync();

            var kept = _builds.Where(build => build.Statement.Kind == "recovery")
                .Concat(_builds.Where(build => build.Statement.Kind == "application" && !_withdrawn.Contains(build.Statement.Version))
                    .Reverse().Where(HasImage).Take(Keep));
            var files = kept.Select(server.FileOf).Distinct().Order(StringComparer.Ordinal).ToArray();
            Assert.True(
                files.SequenceEqual(server.StoredFiles),
                $"Seed {seed}: [{string.Join(", ", server.StoredFiles.Except(files).Select(Named))}] too many, [{string.Join(", ", files.Except(server.StoredFiles).Select(Named))}] missing.");
        }

        public async ValueTask DisposeAsync() => await server.DisposeAsync();

        // Now and then the bytes of a build before it.
        private async Task UploadAsync(string kind)
        {
            var version = $"{(kind == "recovery" ? 9 : 1)}.{_builds.Count}.0";
            var content = _random.Next(6) == 0 && _builds.Count > 2 ? _builds[_random.Next(2, _builds.Count)] : null;
            var build = ABuild.Of(version, content is null ? version : System.Text.Encoding.UTF8.GetString(content.Bytes));
            build = build with { Statement = build.Statement with { Kind = kind } };
            await server.UploadedAsync(build);
            _builds.Add(build);
        }

        private async Task PushAgainAsync()
        {
            if (_builds.FirstOrDefault(build => !HasImage(build)) is not { } build)
                return;
            using var answer = await server.UploadAsync(build);
            var comesBack = !_withdrawn.Contains(build.Statement.Version);
            Assert.Equal(comesBack ? HttpStatusCode.OK : HttpStatusCode.Conflict, answer.StatusCode);
            Assert.Equal(comesBack, HasImage(build));
        }

        private async Task EnrollAsync()
        {
            var group = Groups[_random.Next(3)];
            _units.Add(await NewAsync(group));
        }

        private async Task<Unit> NewAsync(string? group)
        {
            var device = await ADevice.EnrollAsync(server, enrollmentKey, $"02:00:00:00:00:{++_hardware:x2}");
            if (group is not null)
                (await server.Admin.PutAsJsonAsync($"api/v1/devices/{device.Id}/group", new { group })).Dispose();
            return new Unit(device, group);
        }

        private ABuild? Application() =>
            _builds.Where(build => build.Statement.Kind == "application").ToArray() is { Length: > 0 } all ? all[_random.Next(all.Length)] : null;

        private async Task RollOutAsync()
        {
            if (Application() is not { } build)
                return;
            var group = Groups[_random.Next(3)];
            using var answer = await server.Admin.PostAsJsonAsync("api/v1/deployments", group is null
                ? new { product = "kettle", version = build.Statement.Version, all = true }
                : (object)new { product = "kettle", version = build.Statement.Version, group });
            if (Ordered(answer, build))
                _rollouts.Insert(0, (build.Statement.Version, group));
        }

        private async Task OrderOneAsync(Unit? unit)
        {
            if (unit is null || Application() is not { } build)
                return;
            using var answer = await server.Admin.PostAsJsonAsync(
                "api/v1/deployments", new { product = "kettle", version = build.Statement.Version, device = unit.Device.Id });
            if (answer.StatusCode != HttpStatusCode.Conflict || !HasImage(build) || _withdrawn.Contains(build.Statement.Version))
                Ordered(answer, build);
        }

        // Exactly then: what was withdrawn or has no image is not ordered, everything else is.
        private bool Ordered(HttpResponseMessage answer, ABuild build)
        {
            var mayBe = HasImage(build) && !_withdrawn.Contains(build.Statement.Version);
            Assert.Equal(mayBe ? HttpStatusCode.Created : HttpStatusCode.Conflict, answer.StatusCode);
            return mayBe;
        }

        private async Task AskAsync(Unit? unit)
        {
            if (unit is null)
                return;
            using var answer = await unit.AskAsync();
            if (answer.StatusCode == HttpStatusCode.NoContent)
                return;
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            var order = await ADevice.OrderInAsync(answer);
            var build = _builds.First(build => IdOf(build) == order.GetProperty("release").GetString());
            unit.Device.LastOrder = order.GetProperty("number").GetInt64();
            unit.Order = (
                build,
                DateTimeOffset.FromUnixTimeSeconds(order.GetProperty("expires").GetInt64()),
                order.GetProperty("deployment").GetString()!,
                order.GetProperty("action").GetString()!);
            using var image = await unit.Device.GetAsync("images/" + build.Statement.Image.Sha256);
            Assert.Equal(HttpStatusCode.OK, image.StatusCode);
        }

        // Whatever the server did with the deployment since.
        private async Task CarryOutAsync(Unit? unit)
        {
            if (unit is not { Order: { } order, Trial: null })
                return;
            unit.Order = null;
            if (order.Expires <= Now)
                return;
            unit.Other = null;
            if (order.Action == "recover")
            {
                unit.Device.Cleared = unit.Device.LastOrder;
            }
            else
            {
                unit.Trial = order.Build;
            }

            (await unit.AskAsync()).Dispose();
        }

        private static async Task ConfirmAsync(Unit? unit)
        {
            if (unit is not { Trial: { } trial })
                return;
            (unit.Other, unit.Runs, unit.Trial) = (unit.Runs, trial, null);
            (await unit.AskAsync()).Dispose();
        }

        private static async Task RevertAsync(Unit? unit)
        {
            if (unit is not { Trial: not null })
                return;
            unit.Trial = null;
            (await unit.AskAsync()).Dispose();
        }

        private async Task FallBackAsync(Unit? unit)
        {
            if (unit is not { Other: { } other, Trial: null })
                return;
            (unit.Runs, unit.Other) = (other, unit.Runs);
            if (_random.Next(2) == 0)
                (await unit.AskAsync()).Dispose();
        }

        private async Task RecoverAsync(Unit? unit)
        {
            if (unit is not null)
                (await server.Admin.PostAsJsonAsync($"api/v1/devices/{unit.Device.Id}/recover", new { reason = "history" })).Dispose();
        }

        private async Task CancelAsync(Unit? unit)
        {
            if (unit is null)
                return;
            var open = (await unit.Device.ShownAsync()).GetProperty("deployments").EnumerateArray()
                .FirstOrDefault(deployment => deployment.GetProperty("ended").ValueKind == JsonValueKind.Null);
            if (open.ValueKind == JsonValueKind.Object)
                (await server.Admin.PostAsync($"api/v1/deployments/{open.GetProperty("id").GetInt64()}/cancel", null)).Dispose();
        }

        private async Task WithdrawAsync()
        {
            if (Application() is not { } build)
                return;
            await server.PostAsync($"api/v1/products/kettle/releases/{build.Statement.Version}/withdraw", new { });
            _withdrawn.Add(build.Statement.Version);
            // Rollouts that it had taken the place of go on; their images may be gone by right.
            _isRevived = true;
        }

        private async Task DecommissionAsync(Unit? unit)
        {
            if (unit is null)
                return;
            using var answer = await server.Admin.PostAsJsonAsync($"api/v1/devices/{unit.Device.Id}/decommission", new { reason = "history" });
            if (!answer.IsSuccessStatusCode)
                return;
            unit.Trial = null;
            using var order = await unit.AskAsync();
            Assert.Equal(HttpStatusCode.Gone, order.StatusCode);
            var deployment = (await ADevice.OrderInAsync(order)).GetProperty("deployment").GetString();
            (await unit.Device.ReportAsync(new { seq = 1_000_000, at = 0, deployment, state = "accepted" })).Dispose();
            unit.IsGone = true;
        }

        private async Task PassAsync()
        {
            var before = _builds.Where(HasImage).Select(server.FileOf).Distinct().Count();
            // The hour's own pass may come in between.
            await Task.WhenAll(Task.Run(server.RetentionPassAsync), Task.Run(server.RetentionPassAsync));
            Passes++;
            Deleted += before - _builds.Where(HasImage).Select(server.FileOf).Distinct().Count();

            foreach (var unit in Living)
            {
                var needed = new[] { unit.Runs, unit.Other, unit.Trial, unit.Order is { } order && order.Expires > Now ? order.Build : null };
                foreach (var build in needed.OfType<ABuild>())
                {
                    using var image = await server.Admin.GetAsync("images/" + build.Statement.Image.Sha256);
                    Assert.True(image.IsSuccessStatusCode, string.Create(CultureInfo.InvariantCulture, $"Seed {seed}: {build.Statement.Version} is gone."));
                }
            }

            foreach (var release in (await server.GetAsync("api/v1/products/kettle/releases")).EnumerateArray())
            {
                var build = _builds.First(build => IdOf(build) == release.GetProperty("id").GetString());
                Assert.Equal(HasImage(build), release.GetProperty("image").GetProperty("deleted").ValueKind == JsonValueKind.Null);
            }
        }

        // A rollout that no later one replaced has its image; without a withdrawal that is the latest for its devices.
        private async Task NewDevicesGetWhatTheyWouldAsync()
        {
            foreach (var group in Groups)
            {
                var unit = await NewAsync(group);
                await AskAsync(unit);
                _units.Add(unit);
                var expected = _rollouts.FirstOrDefault(rollout => (rollout.Group is null || rollout.Group == group) && !_withdrawn.Contains(rollout.Version));
                if (!_isRevived)
                    Assert.Equal(expected.Version, unit.Order?.Build.Statement.Version);
            }
        }

        private string Named(string file) =>
            string.Join('/', _builds.Where(build => server.FileOf(build) == file).Select(build => build.Statement.Version)) is { Length: > 0 } versions
                ? versions
                : file;

        private bool HasImage(ABuild build) => File.Exists(server.FileOf(build));
    }

    // A signature costs more than a request.
    private static readonly ConcurrentDictionary<ABuild, string> Ids = new(ReferenceEqualityComparer.Instance);

    private static string IdOf(ABuild build) => Ids.GetOrAdd(build, one => Jws.HashOf(one.Statement.Sign(one.Key)));
}
