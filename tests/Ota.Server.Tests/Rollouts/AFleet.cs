using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Rollouts;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

/// <summary>A product with releases and devices, for rollouts on a clock that the test moves.</summary>
internal sealed class AFleet(RunningServer server, ADevice[] devices)
{
    private static readonly DateTimeOffset Start = new(2030, 7, 1, 12, 0, 0, TimeSpan.Zero);

    public ADevice[] Devices { get; } = devices;

    /// <summary>Each runs 1.0.0; 1.1.0 and 1.2.0 are there. It is noon UTC of 1 July 2030.</summary>
    public static async Task<AFleet> RunningAsync(RunningServer server, int count, string poll = "02:00 UTC ±60m")
    {
        At(server, Start);
        var key = await server.AddProductAsync(poll: poll);
        foreach (var version in new[] { "1.0.0", "1.1.0", "1.2.0" })
            await server.UploadedAsync(ABuild.Of(version, "version " + version));
        var devices = new List<ADevice>();
        for (var i = 0; i < count; i++)
            devices.Add(await ADevice.EnrollAsync(server, key, $"02:00:00:00:{i / 256:x2}:{i % 256:x2}"));
        await server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        foreach (var device in devices)
            await device.InstallAsync("1.0.0");
        return new AFleet(server, [.. devices]);
    }

    public static void At(RunningServer server, DateTimeOffset moment) => server.Time.Ahead = moment - DateTimeOffset.UtcNow;

    /// <summary>Time passes, and the server looks at its rollouts.</summary>
    public async Task PassAsync(TimeSpan span = default)
    {
        server.Time.Ahead += span;
        await server.App.Services.GetRequiredService<RolloutClock>().TickAsync(server.Time.GetUtcNow(), CancellationToken.None);
    }

    /// <summary>Starts a rollout of 1.1.0, or another version; its id.</summary>
    public async Task<long> StartAsync(object more, string version = "1.1.0")
    {
        var body = JsonSerializer.SerializeToNode(more)!.AsObject();
        body["product"] = "kettle";
        body["version"] = version;
        return (await server.PostAsync("api/v1/rollouts", body)).GetProperty("id").GetInt64();
    }

    public Task<JsonElement> ShownAsync(long rollout) => server.GetAsync($"api/v1/rollouts/{rollout}");

    public async Task<string> StateAsync(long rollout) => (await ShownAsync(rollout)).GetProperty("state").GetString()!;

    public async Task<int> WaveAsync(long rollout) => (await ShownAsync(rollout)).GetProperty("wave").GetInt32();

    public async Task<JsonElement> DoAsync(long rollout, string deed) => await server.PostAsync($"api/v1/rollouts/{rollout}/{deed}", new { });

    /// <summary>Every device asks; those that are offered something now.</summary>
    public async Task<ADevice[]> OfferedAsync(IEnumerable<ADevice>? asking = null)
    {
        var offered = new List<ADevice>();
        foreach (var device in asking ?? Devices)
        {
            using var answer = await device.CheckInAsync();
            if (answer.StatusCode == System.Net.HttpStatusCode.OK)
                offered.Add(device);
            else
                Assert.Equal(System.Net.HttpStatusCode.NoContent, answer.StatusCode);
        }

        return [.. offered];
    }

    /// <summary>They install what they are offered, and it proves itself.</summary>
    public static async Task InstallAsync(IEnumerable<ADevice> devices, string version = "1.1.0")
    {
        foreach (var device in devices)
            await device.InstallAsync(version);
    }

    /// <summary>They take what they are offered and report how it ended.</summary>
    public static async Task ReportAsync(IEnumerable<ADevice> devices, string state)
    {
        foreach (var device in devices)
        {
            var order = await device.OfferedAsync();
            device.LastOrder = order.GetProperty("number").GetInt64();
            using var answer = await device.ReportAsync(
                new { seq = device.LastOrder * 10, at = 0, deployment = order.GetProperty("deployment").GetString(), state });
            Assert.True(answer.IsSuccessStatusCode);
        }
    }
}
