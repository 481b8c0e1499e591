using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects.Blynk;

/// <summary>Two servers on one PostgreSQL: a sketch is connected to one of them, and everybody else may meet the other.</summary>
public sealed class BlynkTwoServersTests : IAsyncLifetime
{
    private RunningServer _one = null!;
    private RunningServer _two = null!;

    public async ValueTask InitializeAsync()
    {
        _one = await RunningServer.OnPostgreSqlAsync();
        _two = await RunningServer.OnPostgreSqlAsync(_one, "--BlynkPort", "127.0.0.1:0");
    }

    public async ValueTask DisposeAsync()
    {
        await _two.DisposeAsync();
        await _one.DisposeAsync();
    }

    [Fact]
    public async Task What_is_written_at_one_reaches_a_sketch_at_the_other_and_a_hand_over_at_one_ends_its_session_there()
    {
        var enrollmentKey = await _one.AddProductAsync();
        var device = await ADevice.EnrollAsync(_one, enrollmentKey);
        await device.HeldAsync();
        await using var sketch = await ASketch.LoggedInAsync(_two, await ASketch.TokenAsync(_one, device.Id));

        await _one.SetPinAsync(device, "1", "a");
        Assert.Equal("vw|1|a", await sketch.WrittenAsync());
        await sketch.SendAsync(20, 2, "vw\02\0b");
        await sketch.PingAsync();
        Assert.Equal("b", (await _one.PinAsync(device, "2")).GetProperty("value").GetString());

        await _one.PostAsync($"api/v1/devices/{device.Id}/hand-over", new { });
        await ADevice.EnrollAsync(_one, enrollmentKey);
        Assert.Empty(await sketch.EndAsync());
    }
}
