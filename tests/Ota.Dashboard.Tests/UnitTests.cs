using System.Net.Http.Json;
using System.Text;
using Microsoft.Playwright;
using Ota.Server.Tests.Dialects;
using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>One unit's page: what is known of it, and what can be done with it.</summary>
public sealed class UnitTests : OnARunningServer
{
    [Fact]
    public async Task A_label_is_shown_once_asked_for_and_is_alone_on_paper()
    {
        var device = await ADevice.EnrollAsync(Server, await Server.AddProductAsync());
        await using var support = await AVisitor.OfAsync(Server, "support");
        await support.OpenAsync("devices/" + device.Id);
        await support.PressAsync("Label…");
        Assert.DoesNotContain("device.rescue-network", (await Server.GetAsync("api/v1/audit")).GetRawText(), StringComparison.Ordinal);

        await support.PressAsync("Show it");
        var network = await Server.PostAsync($"api/v1/devices/{device.Id}/rescue-network", new { });
        await support.SeesAsync(network.GetProperty("password").GetString()!);
        Assert.Contains("device.rescue-network", (await Server.GetAsync("api/v1/audit")).GetRawText(), StringComparison.Ordinal);

        var label = Encoding.UTF8.GetString(await support.DownloadAsync("Label (SVG)"));
        Assert.Contains(network.GetProperty("ssid").GetString()!, label, StringComparison.Ordinal);
        Assert.Equal([0x89, (byte)'P', (byte)'N', (byte)'G'], (await support.DownloadAsync("Code (PNG)"))[..4]);
        Assert.True(await support.Page.Locator("img.label").EvaluateAsync<bool>("image => image.complete && image.naturalWidth > 0"));
        await support.Page.EmulateMediaAsync(new() { Media = Media.Print });
        Assert.Equal("hidden", await StyleAsync(support, "main h1"));
        Assert.Equal("visible", await StyleAsync(support, "img.label"));
    }

    [Fact]
    public async Task A_version_that_a_unit_never_told_is_not_told_and_one_that_it_is_taken_to_run_is_assumed()
    {
        await Server.AddProductAsync();
        await Server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        var (id, sketch) = await AnEspSketch.AdoptAsync(Server);
        (sketch.Version, sketch.SketchMd5) = (null, "");
        await sketch.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(Server, "viewer");
        await viewer.OpenAsync("devices/" + id);
        await viewer.SeesAsync("not told");

        await Server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = id });
        await sketch.FetchAsync();
        await sketch.HeldAsync();
        await viewer.OpenAsync("devices/" + id);
        await viewer.SeesAsync("1.0.0 kettle, assumed: it does not say it");
        await viewer.OpenAsync("");
        await viewer.SeesAsync("1.0.0, assumed");
    }

    [Fact]
    public async Task A_unit_with_another_updater_is_offered_what_it_can_do_and_what_is_not_known_is_not_shown_as_zero()
    {
        await Server.AddProductAsync();
        await Server.UploadedAsync(ABuild.Of("1.0.0", "firmware one"));
        await Server.UploadedAsync(AFilledServer.Recovery());
        var (id, sketch) = await AnEspSketch.AdoptAsync(Server);
        await sketch.HeldAsync();
        await using var support = await AVisitor.OfAsync(Server, "support");

        await support.OpenAsync("devices/" + id);
        await support.SeesAsync("its client does not tell when or why it starts");
        var facts = await support.Page.Locator("section[aria-labelledby=facts]").InnerTextAsync();
        Assert.Contains("an MD5 only: damage is found, a forgery is not", facts, StringComparison.Ordinal);
        Assert.Contains("begin anew", facts, StringComparison.Ordinal);
        Assert.Matches(@"Next check-in\s+(in \d+ \w+|due now), going by its product's poll", facts);
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
        await support.SteerAsync("Hand over…", "a new board");
        await support.SeesAsync("its hardware may enroll anew");
    }

    [Fact]
    public async Task A_unit_that_checks_too_little_for_its_product_says_so()
    {
        await Server.AddProductAsync();
        var (id, sketch) = await AnEspSketch.AdoptAsync(Server);
        await sketch.HeldAsync();
        await using var viewer = await AVisitor.OfAsync(Server, "viewer");
        await viewer.OpenAsync("devices/" + id);

        using var set = await Server.Admin.PutAsJsonAsync("api/v1/products/kettle/dialects", new { dialects = new { enrolls = false, least = "signed" } });

        await viewer.SeesAsync("It is given nothing: kettle wants of every updater that it checks a signature, and this one does not.");
    }

    private static Task<string> StyleAsync(AVisitor visitor, string element) =>
        visitor.Page.Locator(element).EvaluateAsync<string>("element => getComputedStyle(element).visibility");
}
