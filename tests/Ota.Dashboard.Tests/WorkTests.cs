using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Ota.Server.Tests.Dialects;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>What people do at the dashboard, in a real browser against a real server with real virtual devices.</summary>
public sealed class WorkTests : IAsyncLifetime
{
    private RunningServer _server = null!;

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

    [Fact]
    public async Task The_first_person_sets_up_and_is_told_what_to_do_next()
    {
        await using var ada = await AVisitor.NewAsync(_server);
        await ada.Page.GotoAsync(ada.Address(""));
        Assert.EndsWith("/setup", ada.Page.Url, StringComparison.Ordinal);

        await ada.SetUpAsync(_server.SetupCode, "Ada");

        await ada.SeesAsync("No device yet");
        Assert.Contains("Ada", await ada.Page.TextContentAsync("header"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_developer_drops_a_build_in_deploys_it_and_watches_a_device_confirm()
    {
        using var devices = new AVirtualFleet(_server, await _server.AddProductAsync(), 1);
        await devices.AskAsync();
        await using var developer = await AVisitor.OfAsync(_server, "developer");
        var build = ABuild.Of("1.0.0", "the first build");

        await developer.OpenAsync("releases");
        await developer.SeesAsync("No release yet");
        await developer.Page.SetInputFilesAsync("input[type=file]", Files(build));
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
    public async Task A_build_whose_bytes_were_changed_is_refused_in_words()
    {
        await _server.AddProductAsync();
        await using var developer = await AVisitor.OfAsync(_server, "developer");
        var build = ABuild.Of("1.0.0", "the first build");
        await developer.OpenAsync("releases");

        await developer.Page.SetInputFilesAsync("input[type=file]", Files(build with { Bytes = [.. build.Bytes[..^1], 0] }));

        await developer.Page.GetByRole(AriaRole.Alert).WaitForAsync();
        Assert.Contains("SHA-256", await developer.Page.GetByRole(AriaRole.Alert).TextContentAsync(), StringComparison.Ordinal);
        Assert.Empty((await _server.GetAsync("api/v1/products/kettle/releases")).EnumerateArray());
    }

    [Fact]
    public async Task Support_recovers_a_unit_and_is_told_what_that_does_to_its_owner()
    {
        var device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await device.HeldAsync();
        using var uploaded = await _server.UploadAsync(AFilledServer.Recovery());
        await using var support = await AVisitor.OfAsync(_server, "support");
        await support.OpenAsync("devices/" + device.Id);

        await support.PressAsync("Recover…");
        await support.SeesAsync("What happens to its owner.");
        await support.PressAsync("Recover this unit");
        await support.SeesAsync("Give a reason");
        await support.Page.FillAsync("#reason", "new router, ticket 4711");
        await support.PressAsync("Recover this unit");

        await support.SeesAsync("Recovery ordered: new router, ticket 4711");
        Assert.Equal("armed", await device.StateAsync());
        Assert.Contains("device.recover", (await _server.GetAsync("api/v1/audit")).GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_viewer_sees_and_changes_nothing()
    {
        var device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await device.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(_server, "viewer");

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
        var device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await device.HeldAsync();
        await using var support = await AVisitor.OfAsync(_server, "support");
        await support.OpenAsync("devices/" + device.Id);
        await support.PressAsync("Decommission…");
        await support.Page.FillAsync("#reason", "because");
        var person = (await _server.GetAsync("api/v1/people"))[0].GetProperty("id").GetString();

        using var changed = await _server.Admin.PutAsJsonAsync($"api/v1/people/{person}/role", new { role = "viewer" });
        await support.Page.EvaluateAsync(
            "() => [...document.querySelectorAll('button')].find(button => button.textContent.trim() === 'Decommission this unit')?.click()");

        await support.Page.WaitForURLAsync("**/sign-in**");
        Assert.Equal("enrolled", await device.StateAsync());
    }

    [Fact]
    public async Task A_rollout_is_planned_started_and_steered_to_its_end()
    {
        using var devices = new AVirtualFleet(_server, await _server.AddProductAsync(), 4);
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await devices.AskAsync();
        await _server.UploadedAsync(ABuild.Of("1.1.0", "another build"));
        await using var developer = await AVisitor.OfAsync(_server, "developer");

        await developer.OpenAsync("rollouts/new?product=kettle&version=1.1.0");
        await developer.Page.FillAsync("#waves", "50%, rest");
        await developer.Page.FillAsync("#advance", "");
        await developer.PressAsync("Preview");
        await developer.SeesAsync("would go to 4 devices");
        await developer.PressAsync("Start it");
        await developer.SeesAsync("wave-not-open");
        await devices.AskAsync();
        await developer.Page.Locator(".wave").First.GetByText("confirmed").WaitForAsync();

        await SteerAsync(developer, "Pause", "a call from support");
        await developer.SeesAsync("Paused: a call from support");
        await SteerAsync(developer, "Resume", "it was nothing");
        await SteerAsync(developer, "Open next wave", "it looks well");
        await developer.Page.Locator(".wave.shut").WaitForAsync(new() { State = WaitForSelectorState.Detached });
        await devices.AskAsync();
        await developer.SeesAsync("completed");

        await SteerAsync(developer, "Bring back…", "the display flickers");
        await developer.SeesAsync("Returning: the display flickers");
        await devices.AskAsync();
        await developer.Page.Locator(".head .tag", new() { HasText = "returned" }).WaitForAsync();
        Assert.All(await RunsAsync(), running => Assert.Equal("1.0.0", running));
    }

    [Fact]
    public async Task A_rollout_is_aborted_with_a_reason()
    {
        var device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await device.HeldAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        var rollout = (await _server.PostAsync("api/v1/rollouts", new { product = "kettle", version = "1.0.0" })).GetProperty("id").GetInt64();
        await using var developer = await AVisitor.OfAsync(_server, "developer");
        await developer.OpenAsync($"rollouts/{rollout}");

        await SteerAsync(developer, "Abort…", "the wrong build");

        await developer.SeesAsync("Aborted: the wrong build");
        await device.HeldAsync();
    }

    [Fact]
    public async Task A_page_that_lost_its_server_goes_on_by_itself()
    {
        var device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await device.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(_server, "viewer");
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

    [Fact]
    public async Task A_build_is_dropped_into_a_channel_downloaded_made_a_step_and_withdrawn()
    {
        await _server.AddProductAsync();
        await using var developer = await AVisitor.OfAsync(_server, "developer");
        var build = ABuild.Of("1.0.0", "the first build");
        await developer.OpenAsync("releases");

        await developer.Page.FillAsync("#upload-channel", "no such name!");
        await developer.Page.SetInputFilesAsync("input[type=file]", Files(build));
        await developer.SeesAsync("The channel ");
        await developer.Page.FillAsync("#upload-channel", "beta");
        await developer.Page.SetInputFilesAsync("input[type=file]", Files(build));
        await developer.SeesAsync("which kettle trusts");

        Assert.Equal("beta", (await ReleaseAsync()).GetProperty("channel").GetString());
        Assert.Equal(build.Bytes, await DownloadAsync(developer, "Image"));
        Assert.Equal(build.Statement.Sign(build.Key), Encoding.ASCII.GetString(await DownloadAsync(developer, "Statement")));
        await developer.PressAsync("May not be skipped");
        await developer.SeesAsync("A step: devices below it run it before anything newer.");
        Assert.True((await ReleaseAsync()).GetProperty("step").GetBoolean());
        await SteerAsync(developer, "Withdraw…", "it leaks");
        await developer.SeesAsync("it leaks. Nobody is offered it any more.");
    }

    [Fact]
    public async Task A_label_is_shown_once_asked_for_and_is_alone_on_paper()
    {
        var device = await ADevice.EnrollAsync(_server, await _server.AddProductAsync());
        await using var support = await AVisitor.OfAsync(_server, "support");
        await support.OpenAsync("devices/" + device.Id);
        await support.PressAsync("Label…");
        Assert.DoesNotContain("device.rescue-network", (await _server.GetAsync("api/v1/audit")).GetRawText(), StringComparison.Ordinal);

        await support.PressAsync("Show it");
        var network = await _server.PostAsync($"api/v1/devices/{device.Id}/rescue-network", new { });
        await support.SeesAsync(network.GetProperty("password").GetString()!);
        Assert.Contains("device.rescue-network", (await _server.GetAsync("api/v1/audit")).GetRawText(), StringComparison.Ordinal);

        var label = Encoding.UTF8.GetString(await DownloadAsync(support, "Label (SVG)"));
        Assert.Contains(network.GetProperty("ssid").GetString()!, label, StringComparison.Ordinal);
        Assert.Equal("\x89PNG"u8.ToArray(), (await DownloadAsync(support, "Code (PNG)"))[..4]);
        Assert.True(await support.Page.Locator("img.label").EvaluateAsync<bool>("image => image.complete && image.naturalWidth > 0"));
        await support.Page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.Equal("hidden", await StyleAsync(support, "main h1"));
        Assert.Equal("visible", await StyleAsync(support, "img.label"));
    }

    [Fact]
    public async Task A_unit_with_another_updater_is_offered_what_it_can_do_and_what_is_not_known_is_not_shown_as_zero()
    {
        await _server.AddProductAsync();
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await _server.UploadedAsync(AFilledServer.Recovery());
        var (id, sketch) = await AnEspSketch.AdoptAsync(_server);
        await sketch.HeldAsync();
        await using var support = await AVisitor.OfAsync(_server, "support");

        await support.OpenAsync("devices/" + id);
        var facts = await support.Page.Locator("section[aria-labelledby=facts]").InnerTextAsync();
        Assert.Contains("an MD5 only: damage is found, a forgery is not", facts, StringComparison.Ordinal);
        Assert.Contains("begins anew", facts, StringComparison.Ordinal);
        foreach (var fact in new[] { "Last restart", "Up for", "Free memory" })
            Assert.Matches($@"{fact}\s+–", facts);
        foreach (var missing in new[] { "Slot", "Security floor" })
            Assert.DoesNotContain(missing, facts, StringComparison.Ordinal);
        foreach (var button in new[] { "Check now", "Label…", "Decommission…" })
            Assert.Equal(0, await support.Page.GetByRole(AriaRole.Button, new() { Name = button }).CountAsync());

        await support.PressAsync("Recover…");
        await support.SeesAsync("two steps");
        await support.Page.FillAsync("#reason", "new router");
        await support.PressAsync("Recover this unit");
        await support.SeesAsync("Recovery ordered: new router");
        await sketch.FetchAsync();
        sketch.Version = "9.0.0";
        await sketch.FetchAsync();
        await support.Page.Locator(".head .tag", new() { HasText = "awaiting-return" }).WaitForAsync();
        await SteerAsync(support, "Hand over…", "a new board");
        await support.SeesAsync("its hardware may enroll anew");
    }

    [Fact]
    public async Task A_unit_that_checks_too_little_for_its_product_says_so()
    {
        await _server.AddProductAsync();
        var (id, sketch) = await AnEspSketch.AdoptAsync(_server);
        await sketch.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(_server, "viewer");
        await viewer.OpenAsync("devices/" + id);

        using var set = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/dialects", new { dialects = new { enrolls = false, least = "signed" } });

        await viewer.SeesAsync("It is given nothing: kettle wants of every updater that it checks a signature, and this one does not.");
    }

    private async Task<IEnumerable<string?>> RunsAsync() =>
        (await _server.GetAsync("api/v1/devices")).EnumerateArray().Select(device => device.GetProperty("running").GetString());

    private Task<JsonElement> ReleaseAsync() => _server.GetAsync("api/v1/products/kettle/releases/1.0.0");

    private static async Task SteerAsync(AVisitor visitor, string button, string reason)
    {
        await visitor.PressAsync(button);
        await visitor.Page.FillAsync("#reason", reason);
        await visitor.Page.Locator(".rz-dialog button:is(.act, .danger)").ClickAsync();
        await visitor.Page.Locator(".rz-dialog").WaitForAsync(new() { State = WaitForSelectorState.Detached });
    }

    private static async Task<byte[]> DownloadAsync(AVisitor visitor, string link)
    {
        var download = await visitor.Page.RunAndWaitForDownloadAsync(() => visitor.Page.GetByRole(AriaRole.Link, new() { Name = link }).ClickAsync());
        await using var file = await download.CreateReadStreamAsync();
        using var bytes = new MemoryStream();
        await file.CopyToAsync(bytes, TestContext.Current.CancellationToken);
        return bytes.ToArray();
    }

    private static Task<string> StyleAsync(AVisitor visitor, string element) =>
        visitor.Page.Locator(element).EvaluateAsync<string>("element => getComputedStyle(element).visibility");

    private static FilePayload[] Files(ABuild build) =>
    [
        new FilePayload { Name = "image.bin", MimeType = "application/octet-stream", Buffer = build.Bytes },
        new FilePayload
        {
            Name = "image.bin.statement.jws", MimeType = "application/jose", Buffer = Encoding.ASCII.GetBytes(build.Statement.Sign(build.Key)),
        },
    ];
}
