using Ota.Server.Devices;

namespace Ota.Server.Dialects.Mender;

/// <summary>Mender's device API as mender-client speaks it (docs/dialects.md).</summary>
internal static class MenderEndpoints
{
    public const string Deployment = "deployment";

    public static void MapMender(this IEndpointRouteBuilder app)
    {
        // mender-client 3 keeps the path of its ServerURL when it asks for a token and drops it ever after; older ones keep it.
        foreach (var api in new[] { "/api/devices", "/mender/api/devices" })
            MapApi(app, api);
        app.MapMethods($"/mender/artifacts/{{{ArtifactLink.Device}}}/{{{DialectImage.Sha256}}}", ["GET", "HEAD"], ArtifactLink.GetAsync)
            .ShortCircuit().ExcludeFromDescription();
    }

    private static void MapApi(IEndpointRouteBuilder app, string api)
    {
        const string deployments = "/deployments/device/deployments";
        app.MapPost(api + "/v1/authentication/auth_requests", context => context.RequestServices.GetRequiredService<MenderSessions>().GrantAsync(context))
            .ShortCircuit().ExcludeFromDescription();
        foreach (var version in new[] { "/v1", "/v2" })
            Map(app, "POST", api + version + deployments + "/next", NextEndpoint.PostAsync);
        Map(app, "GET", api + "/v1" + deployments + "/next", NextEndpoint.GetAsync);
        Map(app, "PUT", $"{api}/v1{deployments}/{{{Deployment}}}/status", StatusEndpoints.StatusAsync);
        Map(app, "PUT", $"{api}/v1{deployments}/{{{Deployment}}}/log", StatusEndpoints.LogAsync);
        foreach (var method in new[] { "PUT", "PATCH" })
            Map(app, method, api + "/v1/inventory/device/attributes", InventoryEndpoint.TakeAsync);
    }

    private static void Map(IEndpointRouteBuilder app, string method, string path, Func<HttpContext, Caller, Task> answer) =>
        app.MapMethods(path, [method], context =>
            context.RequestServices.GetRequiredService<MenderSessions>().CallerOf(context) is { } caller
                ? answer(context, caller)
                : DialectAuthentication.RefuseAsync(context)).ShortCircuit().ExcludeFromDescription();
}
