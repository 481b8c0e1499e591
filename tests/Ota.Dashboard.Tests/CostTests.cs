using System.Diagnostics;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>What a page costs, however many devices there are.</summary>
public sealed class CostTests : OnARunningServer
{
    // What all who watch share is not read again for a while, and what the server does of itself may come in between.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private static readonly Dictionary<string, int> Statements = new()
    {
        ["fleet"] = 0, ["device"] = 5, ["client"] = 5, ["releases"] = 0, ["release"] = 0, ["rollouts"] = 1, ["rollout"] = 3, ["rollout-new"] = 0,
        ["products"] = 0, ["product"] = 0, ["people"] = 0, ["audit"] = 2,
    };

    [Fact]
    public async Task No_page_runs_more_statements_at_1000_devices_than_at_10()
    {
        var filled = await AFilledServer.FillAsync(Server);
        var told = new List<string>();
        foreach (var devices in new[] { 10, 1000 })
        {
            var there = (await Server.GetAsync("api/v1/devices")).GetArrayLength();
            await Server.StoppedAsync(() => AFilledServer.Enroll(Server, devices - there, there));
            Assert.Equal(devices, (await Server.GetAsync("api/v1/devices")).GetArrayLength());
            await using var admin = await AVisitor.OfAsync(Server, "admin");
            var trace = new SqlTrace(Server);
            foreach (var (name, path) in filled.Pages)
                await CostsAsync(admin, trace, name, path, devices);
            // It still tells: one that fell silent would find every page cheap.
            await CostsAsync(admin, trace, "device", "devices/" + filled.Device, devices);
            told.Add($"{devices} devices");
        }

        var costs = string.Join(", ", Statements.Where(page => page.Value > 0).Select(page => $"{page.Key} {page.Value}"));
        Say($"dashboard: statements at {string.Join(" and at ", told)}: {costs}, every other page 0");
    }

    [Fact]
    public async Task A_hundred_thousand_devices_are_paged_and_searched()
    {
        await Server.AddProductAsync();
        await Server.StoppedAsync(() => AFilledServer.Enroll(Server, 100_000));
        await using var viewer = await AVisitor.OfAsync(Server, "viewer");
        await viewer.SeesAsync("1 to 25 of 100,000 devices");
        var clock = Stopwatch.StartNew();
        await viewer.OpenAsync("");
        await viewer.SeesAsync("1 to 25 of 100,000 devices");
        var first = clock.ElapsedMilliseconds;
        clock.Restart();
        await viewer.Page.FillAsync("input[type=search]", "02-00-00-09-99-99");
        await viewer.SeesAsync("1 to 1 of 1 device");
        var search = clock.ElapsedMilliseconds;
        await viewer.SeesAsync("02:00:00:09:99:99");
        await Server.UploadedAsync(ABuild.Of("2.0.0"));
        var rollout = (await Server.PostAsync("api/v1/rollouts", new { product = "kettle", version = "2.0.0", waves = new[] { "1%", "rest" } }))
            .GetProperty("id").GetInt64();
        clock.Restart();
        await viewer.OpenAsync($"rollouts/{rollout}");
        Say($"dashboard: 100,000 devices, first page {first} ms warm, search {search} ms, a rollout to all {clock.ElapsedMilliseconds} ms");

        Assert.Equal("100,000", await viewer.Page.Locator("section[aria-labelledby=plan] dd").First.InnerTextAsync());
    }

    private static async Task CostsAsync(AVisitor admin, SqlTrace trace, string name, string path, int devices)
    {
        IReadOnlyList<string> ran = [];
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Patience;)
        {
            trace.Clear();
            await admin.OpenAsync(path);
            ran = trace.Statements;
            if (ran.Count == Statements[name])
                return;
        }

        Assert.Fail($"{name} runs {ran.Count} statements at {devices} devices, and not {Statements[name]}:\n{string.Join('\n', ran)}");
    }

    private static void Say(string figure)
    {
        TestContext.Current.TestOutputHelper!.WriteLine(figure);
        Console.WriteLine(figure);
    }
}
