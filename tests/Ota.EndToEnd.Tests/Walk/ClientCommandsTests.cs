using System.Globalization;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>What the command line says of devices with other updaters than ours, against a real server.</summary>
public sealed class ClientCommandsTests : IAsyncLifetime
{
    private const string Mac = "24:6f:28:aa:3f:10";
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "lamp", "--hardware", "lamp-board", "--release-key", "acme.pub.pem");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_client_of_hawkBit_is_adopted_with_settings_that_are_ready_to_paste()
    {
        var token = (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "hawkbit", "--json")).Json.GetProperty("token").GetString();

        var shown = (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "hawkbit")).Out;

        const string Start = "swupdate -f /etc/swupdate.cfg -H lamp-board:1.0 -u";
        foreach (var line in new[]
        {
            Start + " ''", Start + " '-c 2'", $"""tenant = "lamp"; url = "{_server.Address}hawkbit"; id = "{Mac}";""", $"""targettoken = "{token}";""",
            """identify : ( { name = "version"; value = "VERSION"; } );""",
            """globals : { postupdatecmd = "reboot"; };""",
            $"hawkbit_server = {_server.Address.Authority}/hawkbit", "ssl = false", "tenant_id = lamp", $"target_name = {Mac}", $"auth_token = {token}",
            "post_update_reboot = true", "[device]", "sw_version = VERSION",
        })
            Assert.Contains(line, shown.Split('\n', StringSplitOptions.TrimEntries));
        Assert.DoesNotContain("Password", shown, StringComparison.Ordinal);
        var signed = (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "hawkbit", "--protection", "signed", "--json")).Json;
        Assert.Contains("public-key-file", signed.GetProperty("settings").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("esp8266", "esp8266", "")]
    [InlineData("esp32", "esp32", "")]
    [InlineData("esphome", "esp8266", "/manifest.json")]
    [InlineData("tasmota", "esp8266", "/tasmota.bin")]
    [InlineData("esp-idf", "esp32", "")]
    public async Task A_client_that_is_known_by_its_address_is_adopted_with_all_of_it_and_told_whether_a_device_can_reach_it(
        string dialect, string hardware, string file)
    {
        await DoneAsync("product", "add", "plug", "--hardware", hardware, "--release-key", "acme.pub.pem");
        var adopted = (await DoneAsync("device", "adopt", "plug", Mac, "--dialect", dialect, "--json")).Json;
        var address = $"{_server.Address}{dialect}/{adopted.GetProperty("device").GetString()}.{adopted.GetProperty("token").GetString()}{file}";

        var shown = (await DoneAsync("device", "adopt", "plug", Mac, "--dialect", dialect)).Out;

        Assert.Equal(address, adopted.GetProperty("address").GetString());
        Assert.Contains(address, shown.Split('\n', StringSplitOptions.TrimEntries));
        Assert.Contains($"{_server.Address.Host} is this machine alone", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_of_Mender_is_adopted_with_settings_that_are_ready_to_paste()
    {
        var adopted = (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "mender", "--json")).Json;

        var shown = (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "mender")).Out;

        using var settings = System.Text.Json.JsonDocument.Parse(shown[shown.IndexOf('{', StringComparison.Ordinal)..]);
        Assert.Equal(_server.Address.ToString().TrimEnd('/'), settings.RootElement.GetProperty("ServerURL").GetString());
        Assert.Equal(
            $"{adopted.GetProperty("device").GetString()}.{adopted.GetProperty("token").GetString()}", settings.RootElement.GetProperty("TenantToken").GetString());
    }

    [Fact]
    public async Task Adopting_again_says_what_has_changed_of_what_it_checks()
    {
        await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "esp-idf");

        Assert.Contains(
            "What it checks is signed from now on, not none.",
            (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "esp-idf", "--protection", "signed")).Out, StringComparison.Ordinal);
        Assert.DoesNotContain("What it checks", (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "esp-idf")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_its_client_never_tells_is_shown_as_unknown()
    {
        await AskAsync("1.0.0");

        var shown = (await DoneAsync("device", "show", Mac)).Out;
        Assert.Matches(@"(?m)^\s*Next check-in +(in \d+ \w+|due now) \(.+ UTC\), going by its product's poll\r?$", shown);
        Assert.Contains("Timeline, oldest first", shown, StringComparison.Ordinal);
        foreach (var name in new[] { "Last restart", "Up for", "Free memory", "Last order" })
            Assert.Matches($@"(?m)^\s*{name} +-\r?$", shown);
        Assert.Matches(@"(?m)^\s*Restarts +-\r?$", (await DoneAsync("device", "evidence", Mac)).Out);
    }

    [Fact]
    public async Task How_long_it_was_up_is_said_of_when_it_was_seen()
    {
        await AskAsync("1.0.0", "x-ota-uptime: 5", "x-ota-restart: crash");

        Assert.Matches(@"(?m)^\s*Up for +5 s when last seen\r?$", (await DoneAsync("device", "show", Mac)).Out);
    }

    [Fact]
    public async Task A_version_that_it_never_told_is_no_version()
    {
        await AskAsync(version: null);

        var shown = (await DoneAsync("device", "show", Mac)).Out;
        Assert.Contains(", lamp of a version it never told, seen", shown, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^\s*Runs +-\r?$", shown);
        foreach (var text in new[] { shown, (await DoneAsync("device", "list")).Out, (await DoneAsync("device", "list", "--json")).Out })
            Assert.DoesNotContain("0.0.0", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_recovery_in_two_steps_is_told_as_one()
    {
        await File.WriteAllTextAsync(_folder["app.bin"], "application");
        await File.WriteAllTextAsync(_folder["clear.bin"], "clears");
        await DoneAsync("release", "push", "lamp", "1.0.0", "app.bin", "--key", "acme.pem", "--hardware", "lamp-board");
        await DoneAsync("release", "push", "lamp", "9.0.0", "clear.bin", "--key", "acme.pem", "--hardware", "lamp-board", "--kind", "recovery");
        await AskAsync("1.0.0");

        var armed = (await DoneAsync("recover", Mac, "--reason", "the router is new")).Out;

        Assert.Contains("is handed the recovery build 9.0.0 once, the next time it asks, and what it runs now as soon as it asks from that", armed, StringComparison.Ordinal);
        Assert.Contains("(until it was handed out)", armed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_wiped_is_refused_before_anybody_is_asked_to_mean_it()
    {
        await AskAsync("1.0.0");

        var refused = await _ota.RunAsync("decommission", Mac, "--reason", "sold");

        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("its client cannot be told to wipe itself", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("--yes", refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pins_show_what_is_no_letter_by_its_number_and_who_does_not_listen()
    {
        await AskAsync("1.0.0");
        // Several values of one write, as Blynk's wires have them.
        var token = (await DoneAsync("pin", "token", "--blynk", Mac, "--json")).Json.GetProperty("token").GetString();
        using var app = new HttpClient { BaseAddress = _server.Address };
        using var written = await app.GetAsync(new Uri($"external/api/update?token={token}&pin=V5&value=51.5&value=7.4", UriKind.Relative));
        Assert.True(written.IsSuccessStatusCode);

        Assert.Contains(@"51.5\x1f7.4", (await DoneAsync("pin", "get", Mac, "5")).Out, StringComparison.Ordinal);
        Assert.Equal("51.5\u001f7.4", (await DoneAsync("pin", "get", Mac, "5", "--json")).Json.GetProperty("value").GetString());
        Assert.Contains("The unit does not listen at the moment", (await DoneAsync("pin", "set", Mac, "check-now")).Out, StringComparison.Ordinal);
    }

    // An esp-idf client asks once.
    private async Task AskAsync(string? version, params string[] more)
    {
        var adopted = (await DoneAsync("device", "adopt", "lamp", Mac, "--dialect", "esp-idf", "--json")).Json;
        using var client = new HttpClient { BaseAddress = _server.Address };
        if (version is not null)
            client.DefaultRequestHeaders.Add("x-ota-version", version);
        foreach (var header in more.Select(line => line.Split(": ")))
            client.DefaultRequestHeaders.Add(header[0], header[1]);
        using var answer = await client.GetAsync(new Uri(adopted.GetProperty("path").GetString()!, UriKind.Relative));
        Assert.Equal("304", ((int)answer.StatusCode).ToString(CultureInfo.InvariantCulture));
    }

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();
}
