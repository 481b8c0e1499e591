using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ota.Agent;
using Ota.Server.Tests.Running;
using Ota.Virtual;

namespace Ota.Server.Tests.Provisioning;

/// <summary>A network for one unit, made by the real server and opened by the real agent.</summary>
public class BundleTests : IAsyncLifetime
{
    private const string Password = "correct horse battery";
    private RunningServer _server = null!;
    private AUnit _unit = null!;
    private string _enrollmentKey = "";

    private string Id => _unit.Device.Agent!.Identity!.Device;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _unit = new AUnit(_server, _enrollmentKey);
        _unit.Live();
    }

    public ValueTask DisposeAsync()
    {
        _unit.Dispose();
        return _server.DisposeAsync();
    }

    [Fact]
    public async Task A_unit_that_lost_its_network_joins_the_sites_by_its_bundle()
    {
        await AddSiteAsync("broome", "Küche 5G");
        Strand(_unit, "Küche 5G");

        var made = await _server.PostAsync($"api/v1/devices/{AUnit.HardwareId}/provision", new { site = "broome", owner = "anna" });
        Assert.Equal(("Küche 5G", 1), (made.GetProperty("ssid").GetString(), made.GetProperty("number").GetInt64()));
        Assert.Null(Open(_unit, made));
        _unit.Live();

        Assert.True(_unit.Device.Radio.Joined);
        Assert.Equal("anna", _unit.Owner);
        var device = await _server.GetAsync($"api/v1/devices/{Id}");
        Assert.Equal(1, device.GetProperty("lastOrder").GetInt64());
        Assert.Contains(device.GetProperty("timeline").EnumerateArray(), entry => entry.GetProperty("text").GetString() == "Bundle 1 made for site broome");
    }

    [Fact]
    public async Task A_bundle_opens_once_and_on_no_other_unit()
    {
        using var other = new AUnit(_server, _enrollmentKey, "02:00:00:00:00:78");
        other.Live();
        var made = await MakeAsync(new { ssid = "home", password = Password });

        Assert.Equal("bundle-signature", Open(other, made));
        Assert.Null(Open(_unit, made));
        Assert.Equal("bundle-used", Open(_unit, made));
        Assert.Null(Open(_unit, await MakeAsync(new { ssid = "open" })));
        Assert.Equal("", _unit.Device.Agent!.Networks[0].Password);
    }

    [Fact]
    public async Task A_bundle_of_the_owner_before_is_dead_once_the_unit_was_handed_over()
    {
        var made = await MakeAsync(new { ssid = "home", password = Password });
        await _server.PostAsync($"api/v1/devices/{Id}/decommission", new { reason = "sold" });
        _unit.Provision("next-home", "next owner");
        _unit.Live();

        Assert.Equal("bundle-signature", Open(_unit, made));
        Assert.Equal("next owner", _unit.Owner);
    }

    [Fact]
    public async Task A_bundle_takes_a_number_of_its_own_and_the_next_order_a_higher_one()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0", "firmware"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        Assert.Equal(1, (await MakeAsync(new { ssid = "a" })).GetProperty("number").GetInt64());
        var second = await MakeAsync(new { ssid = "b" });
        await _server.RestartAsync();
        var third = await MakeAsync(new { ssid = "c" });
        Assert.Equal((2, 3), (second.GetProperty("number").GetInt64(), third.GetProperty("number").GetInt64()));

        Assert.Null(Open(_unit, third));
        Assert.Equal("bundle-used", Open(_unit, second));
        _unit.Device.Clock.Advance(24 * 3600);
        _unit.Live();

        Assert.Equal("1.0.0", _unit.Running);
        Assert.Equal(4, _unit.Device.Agent!.State.HighestOrder);
    }

    [Fact]
    public async Task An_order_that_waits_for_a_unit_is_renewed_when_a_bundle_overtakes_it()
    {
        var rescue = ABuild.Of("9.0.0", "recovery");
        await _server.UploadedAsync(rescue with { Statement = rescue.Statement with { Kind = "recovery" } });
        await _server.PostAsync($"api/v1/devices/{Id}/recover", new { reason = "new router" });

        // The answer that brought order 1 is lost, and the unit gets the network by cable with number 2.
        var calls = _unit.Calls;
        _unit.OnCall = call => Task.FromResult(call == calls + 1 ? Weather.Unanswered : Weather.Fair);
        _unit.Device.Clock.Advance(24 * 3600);
        _unit.Live(turns: 1);
        Assert.Null(Open(_unit, await MakeAsync(new { ssid = VirtualDevice.HomeSsid, password = "virtual-password" })));
        _unit.Provision("next-home", "next owner");
        _unit.Device.Radio.InReach[VirtualDevice.HomeSsid] = "virtual-password";
        _unit.Live();

        Assert.Equal("next owner", _unit.Owner);
        Assert.Equal(1, _unit.Device.RecoveryRuns);
        Assert.Equal("completed", (await _server.GetAsync($"api/v1/devices/{Id}")).GetProperty("state").GetString());
    }

    [Fact]
    public async Task A_site_is_shown_without_its_password_and_nothing_that_is_kept_holds_it()
    {
        await AddSiteAsync("broome", "Küche 5G");
        var made = await MakeAsync(new { site = "broome" });
        await MakeAsync(new { ssid = "elsewhere", password = Password });

        var sites = await _server.GetAsync("api/v1/sites");
        Assert.Equal(("broome", "Küche 5G"), (sites[0].GetProperty("name").GetString(), sites[0].GetProperty("ssid").GetString()));
        foreach (var path in (string[])["api/v1/sites", "api/v1/audit", $"api/v1/devices/{Id}"])
            Assert.DoesNotContain(Password, await _server.Admin.GetStringAsync(path), StringComparison.Ordinal);
        Assert.DoesNotContain(Password, made.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain(Password, _server.Log.Text, StringComparison.Ordinal);
        await _server.StoppedAsync(() =>
        {
            foreach (var file in Directory.EnumerateFiles(_server.Data))
                Assert.DoesNotContain(Password, Encoding.Latin1.GetString(File.ReadAllBytes(file)), StringComparison.Ordinal);
        });
        Assert.Null(Open(_unit, await MakeAsync(new { site = "broome" })));
    }

    [Fact]
    public async Task A_removed_site_is_forgotten()
    {
        await AddSiteAsync("broome", "Küche 5G");
        (await _server.Admin.DeleteAsync("api/v1/sites/broome")).EnsureSuccessStatusCode();

        Assert.Equal(HttpStatusCode.NotFound, (await ProvisionAsync(new { site = "broome" })).Status);
        using var again = await _server.Admin.DeleteAsync("api/v1/sites/broome");
        Assert.Equal(HttpStatusCode.NotFound, again.StatusCode);
    }

    [Fact]
    public async Task A_site_is_not_replaced_by_another_of_its_name()
    {
        await AddSiteAsync("broome", "Küche 5G");

        using var answer = await _server.Admin.PostAsJsonAsync("api/v1/sites", new { name = "broome", ssid = "other" });
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
    }

    [Theory]
    [InlineData("""{"ssid":"123456789012345678901234567890123"}""", "1 to 32 bytes; this one has 33")]
    [InlineData("""{"ssid":"üüüüüüüüüüüüüüüüü"}""", "this one has 34")]
    [InlineData("""{"ssid":""}""", "this one has 0")]
    [InlineData("""{"ssid":"home","password":"short"}""", "8 to 63")]
    [InlineData("""{"ssid":"home","password":"pässwört"}""", "8 to 63")]
    [InlineData("""{"ssid":"home","site":"broome"}""", "one of them")]
    [InlineData("{}", "one of them")]
    [InlineData("""{"ssid":"home","expiresIn":5}""", "expiresIn")]
    [InlineData("""{"ssid":"home","owner":"12345678901234567890123456789012345678901234567890123456789012345"}""", "at most 64 bytes")]
    public async Task What_no_unit_could_use_is_refused_in_a_sentence(string body, string sentence)
    {
        var (status, text) = await ProvisionAsync(JsonDocument.Parse(body).RootElement);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(sentence, text, StringComparison.Ordinal);
        Assert.DoesNotContain("pässwört", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_decommissioned_unit_gets_none()
    {
        var id = Id;
        await _server.PostAsync($"api/v1/devices/{id}/decommission", new { reason = "sold" });
        _unit.Device.Clock.Advance(24 * 3600);
        _unit.Device.Step();

        using var answer = await _server.Admin.PostAsJsonAsync($"api/v1/devices/{id}/provision", new { ssid = "home" });
        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
    }

    public static TheoryData<string, string, string> LongestNetworks => new()
    {
        { new string('&', 32), new string('+', 63), new string('<', 64) },
        { new string('"', 32), new string('\\', 63), new string('\'', 64) },
        { string.Concat(Enumerable.Repeat("📶", 8)), new string('f', 64), string.Concat(Enumerable.Repeat("🏠", 16)) },
        { new string('ü', 16), new string('~', 63), new string('ß', 32) },
    };

    [Theory]
    [MemberData(nameof(LongestNetworks))]
    public async Task Whatever_a_network_is_called_its_bundle_fits_the_unit_and_its_console(string ssid, string password, string owner)
    {
        var made = await MakeAsync(new { ssid, password, owner });

        var (line, whole) = (new LineBuffer(), (string?)null);
        foreach (var b in Encoding.UTF8.GetBytes($"provision\tbundle\t{made.GetProperty("bundle").GetString()}\n"))
            whole = line.Take(b);
        Assert.NotNull(whole);
        Assert.Null(Open(_unit, made));
        var joined = Enumerable.Range(0, _unit.Device.Agent!.Networks.Count).Select(i => _unit.Device.Agent.Networks[i]);
        Assert.Contains(joined, network => network.Ssid == ssid && network.Password == password);
    }

    [Fact]
    public async Task A_bundle_that_no_unit_could_read_is_refused_and_uses_up_no_number()
    {
        var (status, text) = await ProvisionAsync(new { ssid = new string('\u0001', 32), password = new string('"', 63), owner = new string('\u0001', 64) });

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains("together too long", text, StringComparison.Ordinal);
        Assert.Equal(1, (await MakeAsync(new { ssid = "home" })).GetProperty("number").GetInt64());
    }

    private static void Strand(AUnit unit, string ssid)
    {
        unit.Device.Radio.InReach.Clear();
        unit.Device.Radio.InReach[ssid] = Password;
        unit.Device.PowerOff();
        unit.Device.Step();
    }

    private static string? Open(AUnit unit, JsonElement made)
    {
        if (unit.Device.Agent is null)
            unit.Device.Step();
        return unit.Device.Agent!.Provision(new Provisioned { Bundle = made.GetProperty("bundle").GetString() });
    }

    private Task<JsonElement> MakeAsync(object asked) => _server.PostAsync($"api/v1/devices/{Id}/provision", asked);

    private Task<JsonElement> AddSiteAsync(string name, string ssid) => _server.PostAsync("api/v1/sites", new { name, ssid, password = Password });

    private async Task<(HttpStatusCode Status, string Text)> ProvisionAsync(object asked)
    {
        using var answer = await _server.Admin.PostAsJsonAsync($"api/v1/devices/{Id}/provision", asked);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
