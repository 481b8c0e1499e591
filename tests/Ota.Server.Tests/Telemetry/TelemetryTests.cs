using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Telemetry;

[Collection("environment")]
public sealed class TelemetryTests
{
    [Fact]
    public async Task A_collector_hears_of_check_ins_deployments_queues_routes_and_the_log_and_of_no_secret()
    {
        await using var collector = await ACollector.StartAsync();
        Environment.SetEnvironmentVariable("OTEL_TRACES_SAMPLER", "always_on");
        string[] secrets;
        try
        {
            await using var server = await RunningServer.StartAsync(folder: null, "--Otlp", collector.Url);
            var enrollmentKey = await server.AddProductAsync();
            await server.UploadedAsync(ABuild.Of("1.0.0"));
            var device = await ADevice.EnrollAsync(server, enrollmentKey);
            await device.HeldAsync();
            await device.HeldAsync();
            await server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = device.Id });
            using (var offered = await device.CheckInAsync())
                Assert.True(offered.IsSuccessStatusCode);
            await device.InstallAsync("1.0.0");
            using (var link = await server.Anyone.GetAsync("/images/" + new string('0', 64) + "?device=x&signature=a-secret-in-an-address"))
                Assert.False(link.IsSuccessStatusCode);
            secrets = [server.AdminKey, enrollmentKey, device.Token, "a-secret-in-an-address", new string('0', 64)];
        }
        finally
        {
            Environment.SetEnvironmentVariable("OTEL_TRACES_SAMPLER", null);
        }

        Assert.All(
            new[] { "ota.check_ins", "held", "decided", "offered", "ota.deployments", "confirmed", "ota.devices", "ota.queue.depth", "last-seen", "http.server.request.duration" },
            name => Assert.Contains(name, collector.Said("metrics"), StringComparison.Ordinal));
        Assert.All(
            new[] { "POST /agent/v1/check-in", "GET /images/{sha256}" },
            route => Assert.Contains(route, collector.Said("traces"), StringComparison.Ordinal));
        Assert.Contains("Took kettle 1.0.0", collector.Said("logs"), StringComparison.Ordinal);
        Assert.All(
            from secret in secrets from signal in new[] { "metrics", "traces", "logs" } select (secret, signal),
            one => Assert.DoesNotContain(one.secret, collector.Said(one.signal), StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_collector_that_is_not_there_holds_up_nobody()
    {
        await using var server = await RunningServer.StartAsync(folder: null, "--Otlp", "http://127.0.0.1:9");
        var device = await ADevice.EnrollAsync(server, await server.AddProductAsync());

        await device.HeldAsync();
    }

    [Fact]
    public async Task What_is_no_address_is_refused_by_name()
    {
        var fault = await Assert.ThrowsAsync<Ota.Server.Settings.SettingFault>(() => RunningServer.StartAsync(folder: null, "--Otlp", "localhost:4318"));

        Assert.Contains("Otlp", fault.Message, StringComparison.Ordinal);
    }
}
