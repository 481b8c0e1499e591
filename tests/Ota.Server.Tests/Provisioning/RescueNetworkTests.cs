using System.Net;
using System.Net.Http.Json;
using System.Text;
using Ota.Server.Provisioning;
using Ota.Server.Secrets;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Provisioning;

public sealed class RescueNetworkTests
{
    private static readonly MasterSecret Master = new([.. Enumerable.Range(0, 32).Select(i => (byte)i)]);

    [Theory]
    [InlineData("kettle", "24:6f:28:aa:3f:10", "kettle-rescue-aa3f10")]
    [InlineData("kettle", "246F28AA3F10", "kettle-rescue-aa3f10")]
    [InlineData("k", "x", "k-rescue-x")]
    [InlineData("a-product-with-quite-a-long-name-that-goes-on", "24:6f:28:aa:3f:10", "a-product-with-qui-rescue-aa3f10")]
    public void A_units_rescue_network_is_named_so_that_it_fits(string product, string hardwareId, string ssid)
    {
        var network = RescueNetwork.Of(Master, product, hardwareId);

        Assert.Equal(ssid, network.Ssid);
        Assert.InRange(Encoding.UTF8.GetByteCount(network.Ssid), 1, 32);
        Assert.Matches("^[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}-[0-9a-hjkmnp-tv-z]{4}$", network.Password);
    }

    [Fact]
    public void A_MAC_written_another_way_is_the_same_unit() =>
        Assert.Equal(RescueNetwork.Of(Master, "kettle", "24:6F:28:AA:3F:10"), RescueNetwork.Of(Master, "kettle", "246f28aa3f10"));

    [Fact]
    public void Every_unit_has_a_password_of_its_own_that_only_the_master_secret_tells()
    {
        var passwords = Enumerable.Range(0, 1000).Select(i => RescueNetwork.Of(Master, "kettle", $"unit-{i}").Password).ToHashSet();
        Assert.Equal(1000, passwords.Count);
        Assert.DoesNotContain(RescueNetwork.Of(Master, "pot", "unit-1").Password, passwords);
        Assert.DoesNotContain(RescueNetwork.Of(new MasterSecret(new byte[32]), "kettle", "unit-1").Password, passwords);
        Assert.Contains(RescueNetwork.Of(Master, "kettle", "unit-1").Password, passwords);
    }

    [Fact]
    public async Task The_label_printed_at_the_factory_can_be_printed_again_for_support_and_both_are_audited()
    {
        await using var server = await RunningServer.StartAsync();
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());
        var made = await server.PostAsync("api/v1/products/kettle/units", new { hardwareId = "02:00:00:00:00:01" });
        using var support = await server.AsAsync("support");

        using var again = await support.PostAsync($"api/v1/devices/{device.Id}/rescue-network", null);

        Assert.Equal(made.GetRawText(), await again.Content.ReadAsStringAsync());
        using var refused = await support.PostAsJsonAsync("api/v1/products/kettle/units", new { hardwareId = "02:00:00:00:00:01" });
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        var audit = (await server.GetAsync("api/v1/audit")).EnumerateArray().Select(entry => entry.GetProperty("action").GetString()).ToArray();
        Assert.Contains("unit.make", audit);
        Assert.Contains("device.rescue-network", audit);
        Assert.DoesNotContain(made.GetProperty("password").GetString()!, server.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(
            made.GetProperty("password").GetString()!, (await server.GetAsync("api/v1/audit")).GetRawText(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"hardwareId":""}""")]
    [InlineData("""{"hardwareId":"a b"}""")]
    public async Task A_unit_without_a_name_is_none(string body)
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddProductAsync();

        using var answer = await server.Admin.PostAsync("api/v1/products/kettle/units", new StringContent(body, Encoding.UTF8, "application/json"));

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }
}
