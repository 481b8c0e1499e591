using System.Diagnostics;
using Dapper;
using Deque.AxeCore.Playwright;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Ota.Server.Data;
using Ota.Server.Tests;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>Every page: fit for everybody, at a desk and on a telephone, by day and by night, and cheap.</summary>
public sealed class PagesTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private string _device = "";
    private string _release = "";
    private long _rollout;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Chromium.Missing is not null, Chromium.Missing ?? "");
        _server = await RunningServer.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(1440, ColorScheme.Light)]
    [InlineData(1440, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task No_page_has_a_serious_fault_of_accessibility_nor_is_wider_than_the_screen(int width, ColorScheme scheme)
    {
        await FillAsync();
        await using var admin = await AVisitor.OfAsync(_server, "admin", width, scheme);
        var faults = new List<string>();
        foreach (var (name, path) in Pages())
        {
            await admin.OpenAsync(path);
            if (name == "rollout-new")
            {
                await admin.PressAsync("Preview");
                await admin.SeesAsync("would go to");
            }

            await LookAsync(admin, $"{name}-{width}-{scheme}", faults);
        }

        await admin.OpenAsync("devices/" + _device);
        await admin.PressAsync("Recover…");
        await admin.SeesAsync("What happens to its owner.");
        await LookAsync(admin, $"recover-{width}-{scheme}", faults);
        await using var nobody = await AVisitor.NewAsync(_server, width, scheme);
        foreach (var path in new[] { "sign-in", "setup" })
        {
            await nobody.OpenAsync(path);
            await LookAsync(nobody, $"{path}-{width}-{scheme}", faults);
        }

        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task No_page_asks_the_database_more_often_than_so()
    {
        await FillAsync();
        await using var admin = await AVisitor.OfAsync(_server, "admin");
        var database = _server.App.Services.GetRequiredService<Database>();
        var most = new Dictionary<string, long>
        {
            ["fleet"] = 0, ["device"] = 2, ["releases"] = 0, ["release"] = 0, ["rollouts"] = 1, ["rollout"] = 2, ["rollout-new"] = 0, ["products"] = 0,
            ["people"] = 0, ["audit"] = 1, ["account"] = 0,
        };
        foreach (var (name, path) in Pages())
        {
            var fewest = long.MaxValue;
            // What the server reads by itself meanwhile is no page's doing, so the best of some counts.
            for (var i = 0; i < 4 && fewest > most[name]; i++)
            {
                var before = database.Reads;
                await admin.OpenAsync(path);
                fewest = Math.Min(fewest, database.Reads - before);
            }

            Assert.True(fewest <= most[name], $"{name} reads {fewest} times, and not {most[name]}.");
        }
    }

    [Fact]
    public async Task A_hundred_thousand_devices_are_paged_and_searched()
    {
        await _server.AddProductAsync();
        await _server.StoppedAsync(() => Enroll(Path.Combine(_server.Data, "ota.db"), 100_000));
        await using var viewer = await AVisitor.OfAsync(_server, "viewer");
        await viewer.SeesAsync("1 to 25 of 100,000 devices");
        var clock = Stopwatch.StartNew();
        await viewer.OpenAsync("");
        await viewer.SeesAsync("1 to 25 of 100,000 devices");
        var first = clock.ElapsedMilliseconds;
        clock.Restart();
        await viewer.Page.FillAsync("input[type=search]", "02-00-00-09-99-99");
        await viewer.SeesAsync("1 to 1 of 1 device");
        TestContext.Current.TestOutputHelper!.WriteLine($"dashboard: 100,000 devices, first page {first} ms warm, search {clock.ElapsedMilliseconds} ms");
        Console.WriteLine($"dashboard: 100,000 devices, first page {first} ms warm, search {clock.ElapsedMilliseconds} ms");

        await viewer.SeesAsync("02:00:00:09:99:99");
    }

    private (string Name, string Path)[] Pages() =>
    [
        ("fleet", ""), ("device", "devices/" + _device), ("releases", "releases"), ("release", "releases/" + _release), ("rollouts", "rollouts"),
        ("rollout", "rollouts/" + _rollout), ("rollout-new", "rollouts/new"), ("products", "products"), ("people", "people"), ("audit", "audit"), ("account", "account"),
    ];

    private static async Task LookAsync(AVisitor visitor, string name, List<string> faults)
    {
        var folder = Vectors.Repository("tests/Ota.Dashboard.Tests/Screenshots");
        Directory.CreateDirectory(folder);
        await visitor.Page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name.ToLowerInvariant() + ".png"), FullPage = true });
        var wide = await visitor.Page.EvaluateAsync<int>("() => document.documentElement.scrollWidth - document.documentElement.clientWidth");
        if (wide > 0)
            faults.Add($"{name} is {wide} pixels wider than the screen.");
        foreach (var fault in (await visitor.Page.RunAxe()).Violations.Where(fault => fault.Impact is "serious" or "critical"))
            faults.Add($"{name}: {fault.Id}, {fault.Help}: {string.Join(" | ", fault.Nodes.Take(3).Select(node => node.Html))}");
    }

    // A fleet in which something is under way, something went well, something did not.
    private async Task FillAsync()
    {
        using var fleet = new AVirtualFleet(_server, await _server.AddProductAsync(poll: "every 10s"), 8) { BadPercent = 50 };
        using var first = await _server.UploadAsync(ABuild.Of("1.0.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await fleet.AskAsync();
        using var second = await _server.UploadAsync(ABuild.Of("1.1.0", "another build"));
        using var recovery = await _server.UploadAsync(
            ABuild.Of("9.0.0", "recovery") is var build ? build with { Statement = build.Statement with { Kind = "recovery" } } : build);
        _rollout = (await _server.PostAsync(
            "api/v1/rollouts", new { product = "kettle", version = "1.1.0", waves = new[] { "50%", "rest" }, deadline = 86400 })).GetProperty("id").GetInt64();
        await fleet.AskAsync();
        _server.Time.Ahead += TimeSpan.FromMinutes(3);
        await fleet.AskAsync();
        _device = fleet.Devices[0];
        _release = (await _server.GetAsync("api/v1/products/kettle/releases/1.1.0")).GetProperty("id").GetString()!;
        await _server.PostAsync("api/v1/people", new { name = "Grace", role = "support" });
    }

    private static void Enroll(string file, int count)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection("Data Source=" + file);
        connection.Open();
        using var transaction = connection.BeginTransaction();
        connection.Execute(
            """
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @count)
            INSERT INTO devices (id, product, hardware_id, hardware, group_name, generation, enrolled, checked_in, handed_over, running, slot, security_counter,
                                 last_order, order_number, instruction, state, last_seen, next_check_in, restart_cause, restart_at, restarts, uptime, rssi, free_memory)
            SELECT printf('unit%08d', i), 'kettle',
                   printf('02:00:%02d:%02d:%02d:%02d', i / 1000000 % 100, i / 10000 % 100, i / 100 % 100, i % 100), 'virtual', 'group' || (i % 20), 1, @now, 1, 0,
                   '1.' || (i % 7) || '.0', 'confirmed', 0, 0, 0, 0, 'confirmed', @now, @now + 86400000, 'update', 0, 1, 1, -60 - (i % 20), 1000
            FROM n
            """,
            new { count, now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() }, transaction);
        transaction.Commit();
    }
}
