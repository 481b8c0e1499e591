using System.Text.Json;
using Ota.Server.Tests;
using Ota.Server.Tests.Running;
using Ota.Signing;

namespace Ota.Dashboard.Tests;

/// <summary>What a product can be set to has a place on its page, for who may; what it cannot be set to is refused in words.</summary>
public sealed class SettingsTests : OnARunningServer
{
    private AVisitor _developer = null!;

    public override async ValueTask InitializeAsync()
    {
        await base.InitializeAsync();
        await Server.AddProductAsync();
        _developer = await AVisitor.OfAsync(Server, "developer");
        await _developer.OpenAsync("products/kettle");
    }

    public override async ValueTask DisposeAsync()
    {
        if (_developer is not null)
            await _developer.DisposeAsync();
        await base.DisposeAsync();
    }

    [Fact]
    public async Task A_developer_sets_signal_images_pins_updaters_and_cloud()
    {
        await ChangeAsync("signal", ("#weaker", "-78"), ("#wait-days", "2"));
        await _developer.SeesAsync("Downloads wait below -78 dBm, for up to 2 days.");
        await ChangeAsync("images", ("#keep", "5"), ("#keep-days", "30"));
        await _developer.SeesAsync("The newest 5 of each hardware and channel stay; others go 30 days");
        await ChangeAsync("pins", ("#pin-status", "12"));
        await _developer.SeesAsync("check-now 251, status 12, version 253");
        await ChangeAsync("blynk", ("#cloud", "https://blynk.example"));
        await _developer.SeesAsync("https://blynk.example/ is told");
        await OpenAsync("updaters");
        await _developer.Page.SelectOptionAsync("#least", "Signature");
        await KeepAsync("updaters");
        await _developer.SeesAsync("Who does not check a signature is given nothing.");

        var product = await ProductAsync();
        Assert.Equal(-78, product.GetProperty("signal").GetProperty("weakerThan").GetInt32());
        Assert.Equal(5, product.GetProperty("retention").GetProperty("keep").GetInt32());
        Assert.Equal(12, product.GetProperty("pins").GetProperty("status").GetInt32());
        Assert.Equal("https://blynk.example/", product.GetProperty("blynkCloud").GetString());
        Assert.Equal("signed", product.GetProperty("dialects").GetProperty("least").GetString());
    }

    [Fact]
    public async Task A_developer_sets_when_devices_ask_and_in_which_zone_and_one_that_is_none_is_refused_in_words()
    {
        await ChangeAsync("poll", ("#poll-text", "03:30 Australia/Adelaide ±45m"));
        await _developer.SeesAsync("03:30 Australia/Adelaide ±45m. A device hears of a change when it asks next.");
        Assert.Equal("03:30 Australia/Adelaide ±45m", (await ProductAsync()).GetProperty("poll").GetString());

        await ChangeAsync("poll", ("#poll-text", "03:30 Adelaide ±45m"));
        await _developer.SeesAsync("There is no time zone 'Adelaide'");
        Assert.Equal("03:30 Australia/Adelaide ±45m", (await ProductAsync()).GetProperty("poll").GetString());
    }

    [Fact]
    public async Task Pins_of_one_number_are_refused_in_words_and_nothing_changes()
    {
        await ChangeAsync("pins", ("#pin-status", "251"));

        await _developer.SeesAsync("Each system pin has a number of its own.");
        Assert.Equal(252, (await ProductAsync()).GetProperty("pins").GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task A_channel_that_is_followed_rolls_its_next_release_out_as_planned()
    {
        await ChangeAsync("follows", ("#channel", "beta"), ("#waves", "10%, rest"), ("#deadline", "1.5"), ("#advance", ""));
        await _developer.SeesAsync("starts a rollout by itself: 10%, rest, to all devices.");

        var follow = (await ProductAsync()).GetProperty("follow");
        Assert.Equal("beta", follow.GetProperty("channel").GetString());
        Assert.Equal(129_600, follow.GetProperty("deadline").GetInt64());
        Assert.Equal(JsonValueKind.Null, follow.GetProperty("advance").ValueKind);

        // What was kept is what the form shows again, and empties it.
        await _developer.OpenAsync("products/kettle");
        await OpenAsync("follows");
        Assert.Equal("1.5", await _developer.Page.InputValueAsync("#deadline"));
        await ChangeAsync("follows", ("#channel", ""));
        await _developer.SeesAsync("No release rolls itself out.");
        Assert.Equal(JsonValueKind.Null, (await ProductAsync()).GetProperty("follow").ValueKind);
    }

    [Fact]
    public async Task A_key_is_dropped_by_a_statement_that_a_trusted_key_signed_and_what_that_costs_is_told_before()
    {
        await Server.UploadedAsync(ABuild.Of("1.0.0"));
        await _developer.OpenAsync("products/kettle");
        await OpenAsync("keys");
        ReleaseKey next = ReleaseKey.FromPem(RunningServer.NextKey.ExportSubjectPublicKeyInfoPem(), out _)!;

        await _developer.Page.FillAsync("#statement", KeyStatement.Of("kettle", 1, 1767225600, [next]).Sign(RunningServer.StrangerKey));
        await KeepAsync("keys");
        await _developer.SeesAsync("fits none of the keys trusted now");
        await _developer.Page.FillAsync("#statement", KeyStatement.Of("kettle", 1, 1767225600, [next]).Sign(RunningServer.ReleaseKey));
        await _developer.SeesAsync("is dropped: 1 release can no longer be deployed");
        await KeepAsync("keys");

        await _developer.SeesAsync("; rotation 1");
        Assert.Equal(next.Id, (await ProductAsync()).GetProperty("releaseKeys")[0].GetProperty("id").GetString());
        Assert.Equal(1, (await ProductAsync()).GetProperty("releaseKeys").GetArrayLength());
    }

    [Fact]
    public async Task A_viewer_reads_the_settings_and_is_offered_none_to_change()
    {
        await using var viewer = await AVisitor.OfAsync(Server, "viewer");
        await viewer.OpenAsync("products/kettle");

        await viewer.SeesAsync("No download waits.");
        Assert.Equal(0, await viewer.Page.Locator("details").CountAsync());
        Assert.DoesNotContain(
            (await ProductAsync()).GetProperty("enrollmentKey").GetString()!, await viewer.Page.ContentAsync(), StringComparison.Ordinal);
    }

    private Task<JsonElement> ProductAsync() => Server.GetAsync("api/v1/products/kettle");

    private async Task ChangeAsync(string setting, params (string Field, string Value)[] fields)
    {
        await OpenAsync(setting);
        foreach (var (field, value) in fields)
        {
            await _developer.Page.FillAsync(field, value);
            await _developer.Page.Locator(field).BlurAsync();
        }

        await KeepAsync(setting);
    }

    private async Task OpenAsync(string setting)
    {
        if (!await _developer.Page.Locator($"section[aria-labelledby={setting}] details[open]").IsVisibleAsync())
            await _developer.Page.ClickAsync($"section[aria-labelledby={setting}] summary");
    }

    private Task KeepAsync(string setting) => _developer.Page.ClickAsync($"section[aria-labelledby={setting}] button.act");
}
