using System.Net.Http.Json;
using Microsoft.Playwright;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>What people do at the dashboard, in a real browser against a real server with real virtual devices.</summary>
public sealed class WorkTests : OnARunningServer
{
    [Fact]
    public async Task The_first_person_sets_up_and_is_told_what_to_do_next()
    {
        await using var ada = await AVisitor.NewAsync(Server);
        await ada.Page.GotoAsync(ada.Address(""));
        Assert.EndsWith("/setup", ada.Page.Url, StringComparison.Ordinal);

        await ada.SetUpAsync(Server.SetupCode, "Ada");

        await ada.SeesAsync("No device yet");
        Assert.Contains("Ada", await ada.Page.TextContentAsync("header"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_developer_drops_a_build_in_deploys_it_and_watches_a_device_confirm()
    {
        using var devices = new AVirtualFleet(Server, await Server.AddProductAsync(), 1);
        await devices.AskAsync();
        await using var developer = await AVisitor.OfAsync(Server, "developer");
        var build = ABuild.Of("1.0.0", "the first build");

        await developer.OpenAsync("releases");
        await developer.SeesAsync("No release yet");
        await developer.Page.SetInputFilesAsync("input[type=file]", ReleaseTests.Files(build));
        await developer.SeesAsync("which kettle trusts");

        await developer.OpenAsync("devices/" + devices.Devices[0]);
        await developer.PressAsync("Deploy…");
        await developer.PressAsync("Deploy");
        await developer.SeesAsync("ordered");
        await devices.AskAsync();

        await developer.Page.Locator(".head .tag.good", new() { HasText = "confirmed" }).WaitForAsync();
        await developer.SeesAsync("The device says confirmed");
    }

    [Fact]
    public async Task Support_recovers_a_unit_and_is_told_what_that_does_to_its_owner()
    {
        var device = await ADevice.EnrollAsync(Server, await Server.AddProductAsync());
        await device.HeldAsync();
        using var uploaded = await Server.UploadAsync(AFilledServer.Recovery());
        await using var support = await AVisitor.OfAsync(Server, "support");
        await support.OpenAsync("devices/" + device.Id);

        await support.PressAsync("Recover…");
        await support.SeesAsync("What happens to its owner.");
        await support.PressAsync("Recover this unit");
        await support.SeesAsync("Give a reason");
        await support.Page.FillAsync("#reason", "new router, ticket 4711");
        await support.PressAsync("Recover this unit");

        await support.SeesAsync("Recovery ordered: new router, ticket 4711");
        Assert.Equal("armed", await device.StateAsync());
        Assert.Contains("device.recover", (await Server.GetAsync("api/v1/audit")).GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_sees_and_changes_nothing()
    {
        var device = await ADevice.EnrollAsync(Server, await Server.AddProductAsync());
        await device.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(Server, "viewer");

        await viewer.OpenAsync("devices/" + device.Id);
        await viewer.SeesAsync("What it is");
        foreach (var button in new[] { "Check now", "Deploy…", "Recover…", "Label…", "Decommission…" })
            Assert.Equal(0, await viewer.Page.GetByRole(AriaRole.Button, new() { Name = button }).CountAsync());
        await viewer.OpenAsync("releases");
        Assert.Equal(0, await viewer.Page.Locator("input[type=file]").CountAsync());
        await viewer.OpenAsync("people");
        await viewer.SeesAsync("Not for your role");
    }

    [Fact]
    public async Task Who_loses_a_role_while_a_page_is_open_can_do_nothing_more_with_it()
    {
        var device = await ADevice.EnrollAsync(Server, await Server.AddProductAsync());
        await device.HeldAsync();
        await using var support = await AVisitor.OfAsync(Server, "support");
        await support.OpenAsync("devices/" + device.Id);
        await support.PressAsync("Decommission…");
        await support.Page.FillAsync("#reason", "because");
        var person = (await Server.GetAsync("api/v1/people"))[0].GetProperty("id").GetString();

        using var changed = await Server.Admin.PutAsJsonAsync($"api/v1/people/{person}/role", new { role = "viewer" });
        await support.Page.EvaluateAsync(
            "() => [...document.querySelectorAll('button')].find(button => button.textContent.trim() === 'Decommission this unit')?.click()");

        await support.Page.WaitForURLAsync("**/sign-in**");
        Assert.Equal("enrolled", await device.StateAsync());
    }

    [Fact]
    public async Task What_runs_where_leads_to_the_devices_that_run_it()
    {
        var key = await Server.AddProductAsync();
        foreach (var (number, version) in new[] { (1, "1.0.0"), (2, "2.0.0") })
        {
            var device = await ADevice.EnrollAsync(Server, key, $"02:00:00:00:00:0{number}");
            device.Running = version;
            await device.HeldAsync();
        }

        await using var viewer = await AVisitor.OfAsync(Server, "viewer");
        await viewer.OpenAsync("");
        await viewer.SeesAsync("1 to 2 of 2 devices");

        await viewer.Page.GetByRole(AriaRole.Link, new() { Name = "kettle 2.0.0" }).ClickAsync();
        await viewer.SeesAsync("1 to 1 of 1 device");
        await viewer.SeesAsync("02:00:00:00:00:02");
        await viewer.PressAsync("Runs kettle 2.0.0 ✕");
        await viewer.SeesAsync("1 to 2 of 2 devices");
    }

    [Fact]
    public async Task A_page_that_lost_its_server_goes_on_by_itself()
    {
        var device = await ADevice.EnrollAsync(Server, await Server.AddProductAsync());
        await device.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(Server, "viewer");
        await viewer.OpenAsync("devices/" + device.Id);
        await viewer.SeesAsync("-60 dBm");

        // As a network that breaks does it: the socket is gone, and the page is not told why.
        await viewer.Page.EvaluateAsync("() => Blazor._internal.forceCloseConnection()");
        device.Rssi = -71;
        await device.HeldAsync();

        await viewer.SeesAsync("-71 dBm");
    }

    [Fact]
    public async Task What_another_server_changes_is_seen_without_asking()
    {
        Assert.SkipWhen(PostgreSql.Missing is not null, PostgreSql.Missing ?? "");
        await using var one = await RunningServer.OnPostgreSqlAsync();
        await using var other = await RunningServer.OnPostgreSqlAsync(one);
        var device = await ADevice.EnrollAsync(one, await one.AddProductAsync());
        await device.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(one, "viewer");
        await viewer.OpenAsync("devices/" + device.Id);
        await viewer.SeesAsync("-60 dBm");

        var there = device.At(other);
        there.Rssi = -77;
        await there.HeldAsync();

        await viewer.SeesAsync("-77 dBm");
    }
}
