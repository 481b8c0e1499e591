using Microsoft.Playwright;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>A rollout from its plan to its end, by the browser.</summary>
public sealed class RolloutTests : OnARunningServer
{
    [Fact]
    public async Task A_rollout_is_planned_started_and_steered_to_its_end()
    {
        // So many that none of two waves, who is in which being drawn, is without any.
        using var devices = new AVirtualFleet(Server, await Server.AddProductAsync(), 12);
        await Server.UploadedAsync(ABuild.Of("1.0.0"));
        await Server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await devices.AskAsync();
        await Server.UploadedAsync(ABuild.Of("1.1.0", "another build"));
        await using var developer = await AVisitor.OfAsync(Server, "developer");

        await developer.OpenAsync("rollouts/new?product=kettle&version=1.1.0");
        await developer.Page.FillAsync("#waves", "50%, rest");
        await developer.Page.FillAsync("#advance", "");
        await developer.PressAsync("Preview");
        await developer.SeesAsync("would go to 12 devices");
        await developer.PressAsync("Start it");
        await developer.SeesAsync("wave-not-open");
        await devices.AskAsync();
        await developer.Page.Locator(".wave").First.GetByText("confirmed").WaitForAsync();

        await developer.SteerAsync("Pause", "a call from support");
        await developer.SeesAsync("Paused: a call from support");
        await developer.SteerAsync("Resume", "it was nothing");
        await developer.SteerAsync("Open next wave", "it looks well");
        await developer.Page.Locator(".wave.shut").WaitForAsync(new() { State = WaitForSelectorState.Detached });
        await devices.AskAsync();
        await developer.SeesAsync("completed");

        await developer.SteerAsync("Bring back…", "the display flickers");
        await developer.SeesAsync("Returning: the display flickers");
        await devices.AskAsync();
        await developer.Page.Locator(".head .tag", new() { HasText = "returned" }).WaitForAsync();
        Assert.All(await RunsAsync(), running => Assert.Equal("1.0.0", running));
    }

    [Fact]
    public async Task A_rollout_is_aborted_with_a_reason()
    {
        var device = await ADevice.EnrollAsync(Server, await Server.AddProductAsync());
        await device.HeldAsync();
        await Server.UploadedAsync(ABuild.Of("1.0.0"));
        var rollout = (await Server.PostAsync("api/v1/rollouts", new { product = "kettle", version = "1.0.0" })).GetProperty("id").GetInt64();
        await using var developer = await AVisitor.OfAsync(Server, "developer");
        await developer.OpenAsync($"rollouts/{rollout}");

        await developer.SteerAsync("Abort…", "the wrong build");

        await developer.SeesAsync("Aborted: the wrong build");
        await device.HeldAsync();
    }

    private async Task<IEnumerable<string?>> RunsAsync() =>
        (await Server.GetAsync("api/v1/devices")).EnumerateArray().Select(device => device.GetProperty("running").GetString());
}
