using System.Diagnostics;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Alerts;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>Open pages follow what is done elsewhere, by themselves. How fast is told, and not judged: the machine may be busy.</summary>
public sealed class LiveTests : OnARunningServer
{
    private const int Patience = 15_000;
    private readonly List<string> _figures = [];

    [Fact]
    public async Task Every_page_follows_what_is_done_elsewhere()
    {
        var key = await Server.AddProductAsync();
        var device = await NewAsync(key, 1);
        var release = (await Server.UploadedAsync(ABuild.Of("1.0.0"))).GetProperty("id").GetString();
        await using var admin = await AVisitor.OfAsync(Server, "admin");

        await FollowsAsync(admin, "fleet", "", "02:00:00:00:00:02", () => NewAsync(key, 2));
        await FollowsAsync(admin, "device", "devices/" + device.Id, "-71 dBm", () =>
        {
            device.Rssi = -71;
            return device.HeldAsync();
        });
        await FollowsAsync(admin, "releases", "releases", "1.1.0", () => Server.UploadedAsync(ABuild.Of("1.1.0", "another build")));
        var rollout = 0L;
        await FollowsAsync(admin, "rollouts", "rollouts", "kettle 1.1.0", async () => rollout =
            (await Server.PostAsync("api/v1/rollouts", new { product = "kettle", version = "1.1.0" })).GetProperty("id").GetInt64());
        await FollowsAsync(admin, "rollout", $"rollouts/{rollout}", "Paused: a call", () =>
            Server.PostAsync($"api/v1/rollouts/{rollout}/pause", new { reason = "a call" }));
        await FollowsAsync(admin, "release", "releases/" + release, "Nobody is offered it any more", () =>
            Server.PostAsync("api/v1/products/kettle/releases/1.0.0/withdraw", new { reason = "it leaks" }));
        await FollowsAsync(admin, "products", "products", "Settings of lamp", () => Server.AddProductAsync("lamp"));
        await FollowsAsync(admin, "settings", "products/kettle", "Downloads wait below -75 dBm", () => PutAsync(
            "products/kettle/signal", new { signal = new { weakerThan = -75, days = 3 } }));
        await FollowsAsync(admin, "people", "people", "Grace", () => Server.PostAsync("api/v1/people", new { name = "Grace", role = "viewer" }));
        await FollowsAsync(admin, "audit", "audit", "Put into group attic", () => PutAsync($"devices/{device.Id}/group", new { group = "attic" }));

        Say("an open page shows what was done elsewhere after");
    }

    [Fact]
    public async Task An_alert_shows_on_the_open_page_of_its_device()
    {
        var key = await Server.AddProductAsync(poll: "every 10s");
        await using var viewer = await AVisitor.OfAsync(Server, "viewer");
        var (silent, looping, weak) = (await NewAsync(key, 1), await NewAsync(key, 2), await NewAsync(key, 3));

        await FollowsAsync(viewer, "silence", "devices/" + silent.Id, "Silent, since", () =>
        {
            Server.Time.Ahead += TimeSpan.FromMinutes(20);
            Server.App.Services.GetRequiredService<AlertWatch>().Sweep();
            return Task.CompletedTask;
        });
        await FollowsAsync(viewer, "crash loop", "devices/" + looping.Id, "Crash loop, since", () => AFilledServer.CrashAsync(Server, looping));
        await FollowsAsync(viewer, "weak signal", "devices/" + weak.Id, "Weak signal, since", async () =>
        {
            weak.Rssi = -88;
            // One sample a minute is kept of a device that did not start anew.
            for (var i = 0; i < AlertPolicy.InARow; i++)
            {
                Server.Time.Ahead += TimeSpan.FromMinutes(1.1);
                await weak.HeldAsync();
            }
        });

        Say("an alert shows on its device's open page after");
    }

    [Fact]
    public async Task An_alert_that_another_server_raised_shows_on_the_open_page_of_its_device()
    {
        Assert.SkipWhen(PostgreSql.Missing is not null, PostgreSql.Missing ?? "");
        await using var one = await RunningServer.OnPostgreSqlAsync();
        await using var other = await RunningServer.OnPostgreSqlAsync(one);
        var device = await ADevice.EnrollAsync(one, await one.AddProductAsync());
        await device.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(other, "viewer");
        await viewer.OpenAsync("devices/" + device.Id);
        await viewer.SeesAsync("-60 dBm");

        await AFilledServer.CrashAsync(one, device);
        var seen = viewer.SeesAsync("Crash loop, since", 2 * Patience);
        var clock = Stopwatch.StartNew();
        while ((await one.GetAsync("api/v1/alerts?open=true")).GetArrayLength() == 0)
        {
            Assert.True(clock.ElapsedMilliseconds < Patience, "No alert was raised.");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        clock.Restart();
        await seen;
        _figures.Add($"on another server {clock.ElapsedMilliseconds} ms");

        Say("an alert shows on its device's open page after");
    }

    private async Task FollowsAsync(AVisitor visitor, string page, string path, string text, Func<Task> change)
    {
        await visitor.OpenAsync(path);
        Assert.Equal(0, await visitor.Page.GetByText(text).CountAsync());
        await change();
        var clock = Stopwatch.StartNew();
        await visitor.SeesAsync(text, Patience);
        _figures.Add($"{page} {clock.ElapsedMilliseconds} ms");
    }

    private async Task<ADevice> NewAsync(string key, int number)
    {
        var device = await ADevice.EnrollAsync(Server, key, $"02:00:00:00:00:0{number}");
        await device.HeldAsync();
        return device;
    }

    private async Task PutAsync(string path, object body)
    {
        using var answer = await Server.Admin.PutAsJsonAsync("api/v1/" + path, body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private void Say(string what)
    {
        var figure = $"dashboard: {what}: {string.Join(", ", _figures)}";
        TestContext.Current.TestOutputHelper!.WriteLine(figure);
        Console.WriteLine(figure);
    }
}
