using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Devices;

/// <summary>Support reads a hardware id off a label, which never writes it as the hardware does.</summary>
public class DeviceNamesTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey, "24:6f:28:aa:3f:10");
        await ADevice.EnrollAsync(_server, _enrollmentKey, "24:6f:28:aa:3f:11");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("24:6f:28:aa:3f:10")]
    [InlineData("24:6F:28:AA:3F:10")]
    [InlineData("24-6F-28-AA-3F-10")]
    [InlineData("246f.28aa.3f10")]
    [InlineData("246F28AA3F10")]
    public async Task A_device_is_found_however_its_hardware_id_is_written(string name)
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0"));

        Assert.Equal(_device.Id, await IdAsync(await _server.Admin.GetAsync("api/v1/devices/" + name)));
        Assert.Equal(_device.Id, await IdAsync(await _server.Admin.PutAsJsonAsync($"api/v1/devices/{name}/group", new { group = "kitchens" })));
        Assert.Equal(_device.Id, await IdAsync(await _server.Admin.PostAsJsonAsync($"api/v1/devices/{name}/hand-over", new { })));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = name });
        Assert.Equal("ordered", await _device.StateAsync());
        Assert.Equal(_device.Id, (await _server.GetAsync("api/v1/devices?search=" + name))[0].GetProperty("id").GetString());
        Assert.Equal(2, (await _server.GetAsync("api/v1/devices?search=" + name[..^1])).GetArrayLength());
        Assert.Equal(_device.Id, await IdAsync(await _server.Admin.GetAsync("api/v1/devices/" + _device.Id.ToUpperInvariant())));
        await _server.RestartAsync();
        Assert.Equal(_device.Id, await IdAsync(await _server.Admin.GetAsync("api/v1/devices/" + name)));
    }

    [Fact]
    public async Task A_name_that_several_devices_have_is_refused_with_their_ids()
    {
        var other = await ADevice.EnrollAsync(_server, _enrollmentKey, "246F28AA3F10");

        using var answer = await _server.Admin.GetAsync("api/v1/devices/24-6F-28-AA-3F-10");
        var detail = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString();

        Assert.Equal(HttpStatusCode.Conflict, answer.StatusCode);
        Assert.Contains(_device.Id, detail, StringComparison.Ordinal);
        Assert.Contains(other.Id, detail, StringComparison.Ordinal);
        // Letter by letter there is one.
        Assert.Equal(other.Id, await IdAsync(await _server.Admin.GetAsync("api/v1/devices/246F28AA3F10")));
    }

    [Theory]
    [InlineData("24-6f-28-aa-3f")]
    [InlineData(":")]
    [InlineData("-")]
    public async Task A_part_of_a_name_is_nobody(string name) =>
        Assert.Equal(HttpStatusCode.NotFound, (await _server.Admin.GetAsync("api/v1/devices/" + name)).StatusCode);

    private static async Task<string?> IdAsync(HttpResponseMessage answer)
    {
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
    }
}
