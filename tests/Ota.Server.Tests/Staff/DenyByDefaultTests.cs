using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Staff;

/// <summary>Who may call what. A new endpoint that is not in this table fails the test.</summary>
public partial class DenyByDefaultTests : IAsyncLifetime
{
    private const string Nobody = "-";
    private static readonly string[] Roles = ["viewer", "support", "developer", "admin"];

    private static readonly Dictionary<string, string> LeastRole = new()
    {
        ["GET /healthz"] = Nobody,
        ["GET /readyz"] = Nobody,
        ["GET /openapi/{documentName}.json"] = Nobody,
        ["POST /agent/v1/enroll"] = Nobody,
        ["POST /agent/v1/check-in"] = Nobody,
        ["POST /agent/v1/reports"] = Nobody,
        ["GET /agent/v1/pins"] = Nobody,
        ["PUT /agent/v1/pins/{pin}"] = Nobody,
        ["GET /images/{sha256}"] = Nobody,
        ["GET /blynk/{credential}/{sha256}"] = Nobody,
        ["GET /external/api/update"] = Nobody,
        ["GET /external/api/batch/update"] = Nobody,
        ["GET /external/api/get"] = Nobody,
        ["GET /external/api/isHardwareConnected"] = Nobody,
        ["GET /external/api/logEvent"] = Nobody,
        ["GET /{token}/update/{pin}"] = Nobody,
        ["PUT /{token}/update/{pin}"] = Nobody,
        ["GET /{token}/get/{pin}"] = Nobody,
        ["GET /{token}/isHardwareConnected"] = Nobody,
        ["GET /esp8266"] = Nobody,
        ["GET /esp8266/{credential}"] = Nobody,
        ["GET /esp32"] = Nobody,
        ["GET /tasmota/{credential}/{**file}"] = Nobody,
        ["GET /esphome/{credential}/manifest.json"] = Nobody,
        ["GET /esphome/{credential}/images/{sha256}"] = Nobody,
        ["HEAD /esphome/{credential}/images/{sha256}"] = Nobody,
        ["GET /esp-idf"] = Nobody,
        ["HEAD /esp-idf"] = Nobody,
        ["GET /esp-idf/{credential}"] = Nobody,
        ["HEAD /esp-idf/{credential}"] = Nobody,
        ["GET /esp-idf/images/{sha256}"] = Nobody,
        ["HEAD /esp-idf/images/{sha256}"] = Nobody,
        ["GET /esp-idf/{credential}/images/{sha256}"] = Nobody,
        ["HEAD /esp-idf/{credential}/images/{sha256}"] = Nobody,
        ["GET /esp32/{credential}"] = Nobody,
        ["HEAD /images/{sha256}"] = Nobody,
        ["POST /api/devices/v1/authentication/auth_requests"] = Nobody,
        ["POST /api/devices/v1/deployments/device/deployments/next"] = Nobody,
        ["POST /api/devices/v2/deployments/device/deployments/next"] = Nobody,
        ["GET /api/devices/v1/deployments/device/deployments/next"] = Nobody,
        ["PUT /api/devices/v1/deployments/device/deployments/{deployment}/status"] = Nobody,
        ["PUT /api/devices/v1/deployments/device/deployments/{deployment}/log"] = Nobody,
        ["PUT /api/devices/v1/inventory/device/attributes"] = Nobody,
        ["PATCH /api/devices/v1/inventory/device/attributes"] = Nobody,
        ["POST /mender/api/devices/v1/authentication/auth_requests"] = Nobody,
        ["POST /mender/api/devices/v1/deployments/device/deployments/next"] = Nobody,
        ["POST /mender/api/devices/v2/deployments/device/deployments/next"] = Nobody,
        ["GET /mender/api/devices/v1/deployments/device/deployments/next"] = Nobody,
        ["PUT /mender/api/devices/v1/deployments/device/deployments/{deployment}/status"] = Nobody,
        ["PUT /mender/api/devices/v1/deployments/device/deployments/{deployment}/log"] = Nobody,
        ["PUT /mender/api/devices/v1/inventory/device/attributes"] = Nobody,
        ["PATCH /mender/api/devices/v1/inventory/device/attributes"] = Nobody,
        ["GET /mender/artifacts/{device}/{sha256}"] = Nobody,
        ["HEAD /mender/artifacts/{device}/{sha256}"] = Nobody,
        ["GET /hawkbit/{tenant}/controller/v1/{controller}"] = Nobody,
        ["PUT /hawkbit/{tenant}/controller/v1/{controller}/configData"] = Nobody,
        ["GET /hawkbit/{tenant}/controller/v1/{controller}/deploymentBase/{action}"] = Nobody,
        ["POST /hawkbit/{tenant}/controller/v1/{controller}/deploymentBase/{action}/feedback"] = Nobody,
        ["GET /hawkbit/{tenant}/controller/v1/{controller}/installedBase/{action}"] = Nobody,
        ["GET /hawkbit/{tenant}/controller/v1/{controller}/cancelAction/{action}"] = Nobody,
        ["POST /hawkbit/{tenant}/controller/v1/{controller}/cancelAction/{action}/feedback"] = Nobody,
        ["GET /hawkbit/{tenant}/controller/v1/{controller}/softwaremodules/{module}/artifacts/{file}"] = Nobody,
        ["HEAD /hawkbit/{tenant}/controller/v1/{controller}/softwaremodules/{module}/artifacts/{file}"] = Nobody,
        ["GET /api/v1/whoami"] = "viewer",
        ["GET /api/v1/products"] = "viewer",
        ["GET /api/v1/products/{product}"] = "viewer",
        ["POST /api/v1/products"] = "developer",
        ["POST /api/v1/products/{product}/key-statements"] = "developer",
        ["GET /api/v1/products/{product}/releases"] = "viewer",
        ["POST /api/v1/products/{product}/releases"] = "developer",
        ["GET /api/v1/products/{product}/releases/{version}"] = "viewer",
        ["GET /api/v1/products/{product}/releases/{version}/statement"] = "viewer",
        ["POST /api/v1/products/{product}/releases/{version}/withdraw"] = "developer",
        ["GET /api/v1/drop-folder"] = "viewer",
        ["GET /api/v1/devices"] = "viewer",
        ["GET /api/v1/devices/{device}"] = "viewer",
        ["GET /api/v1/devices/{device}/evidence"] = "viewer",
        ["PUT /api/v1/devices/{device}/group"] = "support",
        ["POST /api/v1/devices/{device}/hand-over"] = "support",
        ["POST /api/v1/devices/{device}/recover"] = "support",
        ["POST /api/v1/devices/{device}/rescue-network"] = "support",
        ["POST /api/v1/devices/{device}/provision"] = "support",
        ["GET /api/v1/sites"] = "support",
        ["POST /api/v1/sites"] = "support",
        ["DELETE /api/v1/sites/{site}"] = "support",
        ["PUT /api/v1/products/{product}/poll"] = "developer",
        ["PUT /api/v1/products/{product}/signal"] = "developer",
        ["PUT /api/v1/products/{product}/retention"] = "developer",
        ["PUT /api/v1/products/{product}/pins"] = "developer",
        ["PUT /api/v1/products/{product}/dialects"] = "developer",
        ["POST /api/v1/products/{product}/clients"] = "support",
        ["GET /api/v1/devices/{device}/pins"] = "viewer",
        ["GET /api/v1/devices/{device}/pins/{pin}"] = "viewer",
        ["PUT /api/v1/devices/{device}/pins/{pin}"] = "support",
        ["PUT /api/v1/products/{product}/blynk"] = "developer",
        ["GET /api/v1/devices/{device}/blynk-token"] = "viewer",
        ["PUT /api/v1/devices/{device}/blynk-token"] = "support",
        ["POST /api/v1/devices/{device}/pin-token"] = "support",
        ["POST /api/v1/devices/{device}/pin-token/blynk"] = "support",
        ["POST /api/v1/products/{product}/units"] = "developer",
        ["POST /api/v1/devices/{device}/decommission"] = "support",
        ["GET /api/v1/alerts"] = "viewer",
        ["GET /api/v1/products/{product}/webhooks"] = "viewer",
        ["POST /api/v1/products/{product}/webhooks"] = "developer",
        ["DELETE /api/v1/products/{product}/webhooks/{webhook}"] = "developer",
        ["POST /api/v1/products/{product}/webhooks/{webhook}/test"] = "developer",
        ["GET /api/v1/deployments"] = "viewer",
        ["POST /api/v1/deployments"] = "support",
        ["POST /api/v1/deployments/{deployment:long}/cancel"] = "support",
        ["GET /api/v1/rollouts"] = "viewer",
        ["GET /api/v1/rollouts/{rollout:long}"] = "viewer",
        ["PUT /api/v1/products/{product}/follow"] = "developer",
        ["PUT /api/v1/products/{product}/releases/{version}/step"] = "developer",
        ["PUT /api/v1/devices/{device}/zone"] = "support",
        ["POST /api/v1/rollouts"] = "developer",
        ["POST /api/v1/rollouts/plan"] = "viewer",
        ["POST /api/v1/rollouts/{rollout:long}/pause"] = "developer",
        ["POST /api/v1/rollouts/{rollout:long}/resume"] = "developer",
        ["POST /api/v1/rollouts/{rollout:long}/advance"] = "developer",
        ["POST /api/v1/rollouts/{rollout:long}/return"] = "developer",
        ["POST /api/v1/rollouts/{rollout:long}/abort"] = "developer",
        ["GET /api/v1/staff"] = "admin",
        ["POST /api/v1/staff"] = "admin",
        ["POST /api/v1/staff/{id}/revoke"] = "admin",
        ["GET /api/v1/audit"] = "admin",
        ["GET /api/v1/people"] = "admin",
        ["POST /api/v1/people"] = "admin",
        ["POST /api/v1/people/{person}/invite"] = "admin",
        ["PUT /api/v1/people/{person}/role"] = "admin",
        ["POST /api/v1/people/{person}/disable"] = "admin",
        ["POST /api/v1/people/{person}/enable"] = "admin",
#if HANGFIRE
        ["GET /jobs/{**path}"] = "admin",
#endif
    };

    /// <summary>What people see who signed in; a staff key opens none of it.</summary>
    private static readonly Dictionary<string, string> LeastPerson = new()
    {
        ["GET /sign-in"] = Nobody,
        ["POST /sign-in"] = Nobody,
        ["GET /sign-in/provider"] = Nobody,
        ["GET /sign-in/provider/callback"] = Nobody,
        ["GET /setup"] = Nobody,
        ["POST /setup"] = Nobody,
        ["GET /assets/{**name}"] = Nobody,
        ["POST /sign-out"] = "viewer",
        ["GET /account"] = "viewer",
        ["POST /account/password"] = "viewer",
        ["POST /account/second-factor"] = "viewer",
        ["POST /account/second-factor/remove"] = "viewer",
        ["POST /account/sign-out-everywhere"] = "viewer",
        ["GET /"] = "viewer",
        ["GET /nothing-here"] = "viewer",
        ["GET /not-yours"] = "viewer",
        ["GET /devices/{Id}"] = "viewer",
        ["GET /releases"] = "viewer",
        ["GET /releases/{Id}"] = "viewer",
        ["GET /rollouts"] = "viewer",
        ["GET /rollouts/new"] = "viewer",
        ["GET /rollouts/{Id:long}"] = "viewer",
        ["GET /products"] = "viewer",
        ["GET /products/{Name}"] = "viewer",
        ["GET /people"] = "admin",
        ["GET /audit"] = "admin",
        ["POST /"] = "viewer",
        ["POST /nothing-here"] = "viewer",
        ["POST /not-yours"] = "viewer",
        ["POST /devices/{Id}"] = "viewer",
        ["POST /releases"] = "viewer",
        ["POST /releases/{Id}"] = "viewer",
        ["POST /rollouts"] = "viewer",
        ["POST /rollouts/new"] = "viewer",
        ["POST /rollouts/{Id:long}"] = "viewer",
        ["POST /products"] = "viewer",
        ["POST /products/{Name}"] = "viewer",
        ["POST /people"] = "admin",
        ["POST /audit"] = "admin",
        ["GET /_blazor"] = "viewer",
        ["GET /_blazor/negotiate"] = "viewer",
        ["GET /_blazor/disconnect"] = "viewer",
        ["GET /_blazor/initializers"] = "viewer",
        ["GET /_framework/opaque-redirect"] = "viewer",
    };

    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync() => _server = await RunningServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task Every_endpoint_is_closed_to_all_but_the_roles_it_names()
    {
        var endpoints = _server.App.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                .Select(method => $"{method} /{endpoint.RoutePattern.RawText!.TrimStart('/').TrimEnd('/')}"))
            .Distinct().Order(StringComparer.Ordinal).ToArray();
        string[] listed = [.. LeastRole.Keys, .. LeastPerson.Keys];
        var differ = string.Join(", ", endpoints.Except(listed).Select(more => more + " is not in the tables").Concat(listed.Except(endpoints).Select(less => less + " is gone")));
        Assert.True(differ.Length == 0, differ);

        var revoked = await _server.PostAsync("api/v1/staff", new { name = "gone", role = "admin" });
        await _server.PostAsync($"api/v1/staff/{revoked.GetProperty("id").GetString()}/revoke", new { });
        using var gone = _server.With(revoked.GetProperty("key").GetString()!);
        using var forged = _server.With(_server.AdminKey[..^1] + (_server.AdminKey[^1] == '0' ? '1' : '0'));
        foreach (var (endpoint, least) in LeastRole.Where(entry => entry.Value != Nobody))
        {
            foreach (var stranger in new[] { _server.Anyone, gone, forged })
                Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(stranger, endpoint));
        }

        foreach (var role in Roles)
        {
            using var client = await _server.AsAsync(role);
            foreach (var (endpoint, least) in LeastRole.Where(entry => entry.Value != Nobody))
            {
                var status = await StatusAsync(client, endpoint);
                var allowed = Array.IndexOf(Roles, role) >= Array.IndexOf(Roles, least);
                Assert.True(allowed == status is not (HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized), $"{role} {endpoint}: {status}");
            }
        }
    }

    [Fact]
    public async Task Every_page_is_closed_to_all_but_the_people_it_is_for()
    {
        using var nobody = new ABrowser(_server);
        using var key = new ABrowser(_server);
        key.Client.DefaultRequestHeaders.Authorization = _server.Admin.DefaultRequestHeaders.Authorization;
        foreach (var (page, least) in LeastPerson.Where(entry => entry.Value != Nobody))
        {
            foreach (var stranger in new[] { nobody, key })
                Assert.Equal("/sign-in", await SentToAsync(stranger, page));
        }

        foreach (var role in Roles)
        {
            using var browser = await ABrowser.OfAsync(_server, role);
            foreach (var (page, least) in LeastPerson)
            {
                var isAllowed = Array.IndexOf(Roles, role) >= Array.IndexOf(Roles, least);
                Assert.Equal((role, page, isAllowed ? "" : "/not-yours"), (role, page, await SentToAsync(browser, page)));
            }
        }
    }

    [Fact]
    public async Task A_session_is_nothing_to_the_api_so_no_other_site_can_call_it_in_a_persons_name()
    {
        using var browser = await ABrowser.OfAsync(_server, "admin");

        foreach (var (endpoint, least) in LeastRole.Where(entry => entry.Value != Nobody))
            Assert.Equal((endpoint, HttpStatusCode.Unauthorized), (endpoint, await StatusAsync(browser.Client, endpoint)));
    }

    [Fact]
    public async Task Only_developers_see_the_enrollment_key()
    {
        await _server.AddProductAsync();
        using var viewer = await _server.AsAsync("viewer");
        using var developer = await _server.AsAsync("developer");

        Assert.DoesNotContain("\"enrollmentKey\":\"", await viewer.GetStringAsync("api/v1/products/kettle"), StringComparison.Ordinal);
        Assert.Contains("\"enrollmentKey\":\"", await developer.GetStringAsync("api/v1/products/kettle"), StringComparison.Ordinal);
    }

    /// <summary>The page it is sent to in place of this one; empty when it is not sent to the door.</summary>
    private static async Task<string> SentToAsync(ABrowser browser, string page)
    {
        var space = page.IndexOf(' ');
        using var request = new HttpRequestMessage(new HttpMethod(page[..space]), Parameter().Replace(page[(space + 2)..], "1"));
        using var answer = await browser.Client.SendAsync(request);
        var sent = answer.Headers.Location is { } to ? new Uri(browser.Client.BaseAddress!, to).AbsolutePath : "";
        return sent is "/sign-in" or "/not-yours" ? sent : "";
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client, string endpoint)
    {
        var space = endpoint.IndexOf(' ');
        var path = Parameter().Replace(endpoint[(space + 2)..], "1");
        using var request = new HttpRequestMessage(new HttpMethod(endpoint[..space]), path)
        {
            Content = endpoint[0] == 'G' ? null : new StringContent(
                "{}", System.Text.Encoding.UTF8, path.EndsWith("key-statements", StringComparison.Ordinal) ? "application/jose" : "application/json"),
        };
        using var answer = await client.SendAsync(request);
        return answer.StatusCode;
    }

    [GeneratedRegex("{[^}]+}")]
    private static partial Regex Parameter();
}
