using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Http;

public sealed class OpenApiTests
{
    [Fact]
    public async Task The_staff_api_is_described_and_the_calls_of_devices_are_not()
    {
        await using var server = await RunningServer.StartAsync();

        var description = await server.Anyone.GetFromJsonAsync<JsonElement>("openapi/v1.json");

        var paths = description.GetProperty("paths").EnumerateObject().Select(path => path.Name).ToArray();
        Assert.Contains("/api/v1/rollouts", paths);
        Assert.Contains("/api/v1/products/{product}/clients", paths);
        Assert.All(paths, path => Assert.StartsWith("/api/v1/", path, StringComparison.Ordinal));
    }
}
