using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

/// <summary>
/// Thousands of real agents against the real server. What should come of it is computed here, from the devices' order, which of them are bad,
/// and the hash that docs/states.md gives; never from the server's own code.
/// </summary>
public sealed class FleetRolloutTests
{
    private const int BadPercent = 3;
    private static readonly string[] Shares = ["1%", "10%", "50%", "100%"];
    private static readonly double[] UpTo = [0.01, 0.1, 0.5, 1];
    private static readonly TimeSpan Soak = TimeSpan.FromHours(2) + TimeSpan.FromSeconds(1);
    private static readonly int Count = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 20_000 : 1_000;

    [Fact]
    public async Task A_bad_release_is_stopped_in_its_wave_and_brought_back_and_a_good_one_reaches_every_device()
    {
        // A test's log keeps every line; of so many check-ins that is gigabytes.
        await using var server = await RunningServer.StartAsync(null, "--Logging:LogLevel:Default=Warning");
        using var fleet = new AVirtualFleet(server, await server.AddProductAsync(), Count);
        await server.UploadedAsync(ABuild.Of("1.0.0", "first"));
        await server.UploadedAsync(ABuild.Of("1.1.0", "bad for some units"));
        await server.UploadedAsync(ABuild.Of("1.2.0", "good"));
        await server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        var clock = Stopwatch.StartNew();
        Assert.All(await fleet.AskAsync(), device => Assert.Equal(("1.0.0", "confirmed"), (device.Running, device.State)));
        Say($"{Count} devices enrolled and confirmed 1.0.0 in {clock.Elapsed.TotalSeconds:0} s");

        var stopped = await BadAsync(server, fleet);
        await ReturnAsync(server, fleet, stopped);
        await GoodAsync(server, fleet);
    }

    private static async Task<JsonElement> BadAsync(RunningServer server, AVirtualFleet fleet)
    {
        fleet.BadPercent = BadPercent;
        var clock = Stopwatch.StartNew();
        var id = await StartBadAsync(server, fleet);
        await fleet.AskAsync();
        server.Time.Ahead += Soak;
        await UntilAsync(server, id, rollout => Wave(rollout) == 2);
        await fleet.AskAsync();
        await UntilAsync(server, id, rollout => State(rollout) == "stopped");

        // Nobody more gets it, however often they ask, and however late.
        server.Time.Ahead += Soak;
        await fleet.AskAsync();
        var shown = await server.GetAsync($"api/v1/rollouts/{id}");
        Assert.Equal(("stopped", 2), (State(shown), Wave(shown)));
        var (first, second) = (Members(fleet, id, 1), Members(fleet, id, 2));
        var waves = shown.GetProperty("waves").EnumerateArray().Select(wave => wave.GetProperty("deployments")).ToArray();
        var begun = second.Take(Sum(waves[1])).ToList();
        Assert.Equal(Ended(fleet, first), (Of(waves[0], "confirmed"), Of(waves[0], "reverted"), Sum(waves[0])));
        Assert.Equal(Ended(fleet, begun), (Of(waves[1], "confirmed"), Of(waves[1], "reverted"), Sum(waves[1])));
        Assert.Equal((0, 0), (Sum(waves[2]), Sum(waves[3])));

        // It said what it saw when it stopped. The one device that was asking at that moment may have begun and ended since.
        var reason = shown.GetProperty("stateReason").GetString()!;
        var saw = Regex.Match(reason, @"^wave 2: failed\+reverted > 2% \((\d+) of (\d+)\)$").Groups.Values.Skip(1)
            .Select(number => int.Parse(number.ValueSpan, CultureInfo.InvariantCulture)).ToArray();
        Assert.True(saw is [var bad, var given] && 100 * bad > 2 * given && begun.Count - given is 0 or 1, reason);
        var reached = first.Concat(begun).ToHashSet();
        var runs = (await DevicesAsync(server)).ToDictionary(device => device.Id, device => device.Running);
        Assert.All(Enumerable.Range(0, Count), i => Assert.Equal(reached.Contains(i) && !fleet.IsBad(i) ? "1.1.0" : "1.0.0", runs[fleet.Devices[i]]));
        Say($"1.1.0 with {BadPercent}% bad units stopped in wave 2 of {first.Count} and {second.Count} devices ({reason}); "
            + $"{reached.Count(i => !fleet.IsBad(i))} confirmed, {reached.Count(fleet.IsBad)} reverted, {Count - reached.Count} never touched, "
            + $"in {clock.Elapsed.TotalSeconds:0} s");
        return shown;
    }

    // Its number decides who goes first: numbers are tried until one gives no reason to stop at any moment of the first wave, and the second
    // as a whole does.
    private static async Task<long> StartBadAsync(RunningServer server, AVirtualFleet fleet)
    {
        for (var tries = 0; tries < 1000; tries++)
        {
            var id = await StartAsync(server, "1.1.0");
            var first = Members(fleet, id, 1);
            if (first.Count > 0 && !Enumerable.Range(1, first.Count).Any(begun => TooMany(fleet, first[..begun]))
                && TooMany(fleet, Members(fleet, id, 2)))
                return id;
            await server.PostAsync($"api/v1/rollouts/{id}/abort", new { });
        }

        throw new InvalidOperationException("No rollout of a thousand has a good first wave.");
    }

    private static async Task<long> StartAsync(RunningServer server, string version) => (await server.PostAsync("api/v1/rollouts", new
    {
        product = "kettle", version, waves = Shares, advance = "confirmed >= 95% and soaked 2h", stop = "failed+reverted > 2%",
    })).GetProperty("id").GetInt64();

    private static async Task ReturnAsync(RunningServer server, AVirtualFleet fleet, JsonElement stopped)
    {
        var clock = Stopwatch.StartNew();
        var id = stopped.GetProperty("id").GetInt64();
        var reached = (await DevicesAsync(server)).ToLookup(device => device.Running == "1.1.0", device => device.Id);
        await server.PostAsync($"api/v1/rollouts/{id}/return", new { reason = "the relay clicks, ticket 12" });
        var said = await fleet.AskAsync();
        var shown = await UntilAsync(server, id, rollout => State(rollout) == "returned");

        Assert.All(said, device => Assert.Equal("1.0.0", device.Running));
        var back = reached[true].ToArray();
        Assert.Equal(Of(stopped.GetProperty("deployments"), "confirmed"), back.Length);
        Assert.Equal(back.Length, Of(shown.GetProperty("deployments"), "returned"));
        Assert.Contains($"to return from rollout {id}: the relay clicks, ticket 12", await TimelineAsync(server, back[0]), StringComparison.Ordinal);
        Assert.DoesNotContain("ticket 12", await TimelineAsync(server, reached[false].First()), StringComparison.Ordinal);
        Say($"{back.Length} devices brought back from 1.1.0 to 1.0.0 in {clock.Elapsed.TotalSeconds:0} s");
    }

    private static async Task GoodAsync(RunningServer server, AVirtualFleet fleet)
    {
        fleet.BadPercent = 0;
        var clock = Stopwatch.StartNew();
        var id = await StartAsync(server, "1.2.0");
        for (var wave = 1; wave <= Shares.Length; wave++)
        {
            await UntilAsync(server, id, rollout => Wave(rollout) == wave);
            var runs = (await fleet.AskAsync()).Count(device => device.Running == "1.2.0");
            Assert.Equal(Enumerable.Range(1, wave).Sum(one => Members(fleet, id, one).Count), runs);
            server.Time.Ahead += Soak;
        }

        var shown = await UntilAsync(server, id, rollout => State(rollout) == "completed");
        var waves = shown.GetProperty("waves").EnumerateArray().ToArray();
        var opened = waves.Select(wave => wave.GetProperty("opened").GetDateTimeOffset()).ToArray();
        Assert.All(opened.Zip(opened.Skip(1)), pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromHours(2), $"{pair}"));
        for (var wave = 1; wave <= Shares.Length; wave++)
            Assert.Equal(Members(fleet, id, wave).Count, Of(waves[wave - 1].GetProperty("deployments"), "confirmed"));
        Say($"1.2.0 confirmed by all {Count} devices in waves of {string.Join(", ", waves.Select(wave => Sum(wave.GetProperty("deployments"))))}, "
            + $"each at least 2 h after the one before, in {clock.Elapsed.TotalSeconds:0} s");
    }

    // Those whom a wave lets in and the one before did not, in the order in which they ask.
    private static List<int> Members(AVirtualFleet fleet, long rollout, int wave) =>
    [
        .. Enumerable.Range(0, fleet.Devices.Count)
            .Where(i => ShareOf(rollout, fleet.Devices[i]) is var share && share < UpTo[wave - 1] && (wave == 1 || share >= UpTo[wave - 2])),
    ];

    private static bool TooMany(AVirtualFleet fleet, List<int> wave) => 100 * wave.Count(fleet.IsBad) > 2 * wave.Count;

    private static (int Confirmed, int Reverted, int All) Ended(AVirtualFleet fleet, List<int> begun) =>
        (begun.Count(i => !fleet.IsBad(i)), begun.Count(fleet.IsBad), begun.Count);

    private static double ShareOf(long rollout, string device)
    {
        var told = new byte[8 + device.Length];
        BinaryPrimitives.WriteInt64LittleEndian(told, rollout);
        Encoding.ASCII.GetBytes(device).CopyTo(told, 8);
        return (BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(told)) >> 11) / (double)(1UL << 53);
    }

    private static async Task<JsonElement> UntilAsync(RunningServer server, long id, Predicate<JsonElement> awaited)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            var shown = await server.GetAsync($"api/v1/rollouts/{id}");
            if (awaited(shown))
                return shown;
            Assert.True(patience.Elapsed < TimeSpan.FromSeconds(60), $"The rollout is still: {shown}");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }
    }

    private static async Task<List<(string Id, string? Running)>> DevicesAsync(RunningServer server)
    {
        var devices = new List<(string Id, string? Running)>();
        while (true)
        {
            var after = devices.Count == 0 ? "" : "&after=" + devices[^1].Id;
            var page = (await server.GetAsync("api/v1/devices?limit=1000" + after)).EnumerateArray()
                .Select(device => (device.GetProperty("id").GetString()!, device.GetProperty("running").GetString())).ToArray();
            devices.AddRange(page);
            if (page.Length < 1000)
                return devices;
        }
    }

    private static async Task<string> TimelineAsync(RunningServer server, string device) =>
        (await server.GetAsync("api/v1/devices/" + device)).GetProperty("timeline").ToString();

    private static string? State(JsonElement rollout) => rollout.GetProperty("state").GetString();

    private static int Wave(JsonElement rollout) => rollout.GetProperty("wave").GetInt32();

    private static int Of(JsonElement counts, string state) => counts.TryGetProperty(state, out var count) ? count.GetInt32() : 0;

    private static int Sum(JsonElement counts) => counts.EnumerateObject().Sum(count => count.Value.GetInt32());

    private static void Say(string figures) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"cases: rollout of a fleet: {figures}"));
}
