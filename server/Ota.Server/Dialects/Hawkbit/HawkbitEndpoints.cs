using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Net.Http.Headers;
using Ota.Server.CheckIns;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Images;
using Ota.Server.Limits;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>
/// hawkBit's Direct Device Integration, version 1, as SWUpdate and rauc-hawkbit-updater speak it (docs/dialects.md). A tenant is a product, a
/// controller id what the hardware calls itself.
/// </summary>
internal static class HawkbitEndpoints
{
    public const string Action = "action";
    private const string Tenant = "tenant";
    private const string Controller = "controller";
    private const string TargetToken = "TargetToken ";
    private const string GatewayToken = "GatewayToken ";
    private const int LongestToken = 160;
    private static readonly ClientDialect Dialect = ClientDialect.Hawkbit;

    public static void MapHawkbit(this IEndpointRouteBuilder app)
    {
        const string root = $"/hawkbit/{{{Tenant}}}/controller/v1/{{{Controller}}}";
        Map(app, "GET", root, PollEndpoint.GetAsync);
        Map(app, "PUT", root + "/configData", ConfigDataEndpoint.PutAsync);
        Map(app, "GET", $"{root}/deploymentBase/{{{Action}}}", DeploymentEndpoints.GetAsync);
        Map(app, "POST", $"{root}/deploymentBase/{{{Action}}}/feedback", FeedbackEndpoint.PostAsync);
        Map(app, "GET", $"{root}/installedBase/{{{Action}}}", DeploymentEndpoints.GetInstalledAsync);
        Map(app, "GET", $"{root}/cancelAction/{{{Action}}}", CancelEndpoints.GetAsync);
        Map(app, "POST", $"{root}/cancelAction/{{{Action}}}/feedback", CancelEndpoints.PostAsync);
        foreach (var method in new[] { "GET", "HEAD" })
            Map(app, method, $"{root}/softwaremodules/{{{ArtifactEndpoint.Module}}}/artifacts/{{{ArtifactEndpoint.File}}}", ArtifactEndpoint.GetAsync);
    }

    /// <summary>The action that a path names; null when it names none.</summary>
    public static long? ActionIn(HttpContext context) =>
        long.TryParse((string?)context.Request.RouteValues[Action], NumberStyles.None, CultureInfo.InvariantCulture, out var action) ? action : null;

    /// <summary>The address of what is below the client's own, as it knows this server.</summary>
    public static Href Link(HttpContext context, string below)
    {
        var request = context.Request;
        var (tenant, controller) = ((string)request.RouteValues[Tenant]!, (string)request.RouteValues[Controller]!);
        return new Href(
            $"{request.Scheme}://{request.Host}{request.PathBase}/hawkbit/"
            + $"{Uri.EscapeDataString(tenant)}/controller/v1/{Uri.EscapeDataString(controller)}{below}");
    }

    /// <summary>Writes JSON with an entity tag; 304 to who has it already.</summary>
    public static async Task WriteAsync<T>(HttpContext context, T answer, JsonTypeInfo<T> type)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(answer, type);
        var tag = new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(bytes)[..16])}\"");
        var response = context.Response;
        response.Headers.ETag = tag.Tag.Value;
        response.Headers.CacheControl = "no-store";
        if (ImagePreconditions.Evaluate(context.Request.GetTypedHeaders(), tag) == Precondition.NotModified)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        response.ContentType = "application/json;charset=utf-8";
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    /// <summary>410: what is asked about is over, or never was this device's.</summary>
    public static Task GoneAsync(HttpContext context) =>
        Problems.WriteAsync(context, Problems.Of(410, "action-over", "Gone", "This action is not open for this device. Ask the base resource what is."));

    private static void Map(IEndpointRouteBuilder app, string method, string path, Func<HttpContext, Caller, Task> answer) =>
        app.MapMethods(path, [method], async context =>
        {
            if (context.RequestServices.GetRequiredService<CallLimits>().Admit(context, await CallerOfAsync(context)) is { } caller)
                await answer(context, caller);
            else
                await DialectAuthentication.RefuseAsync(context);
        }).ShortCircuit().ExcludeFromDescription();

    private static async ValueTask<Caller?> CallerOfAsync(HttpContext context)
    {
        var values = context.Request.RouteValues;
        if (context.Request.Headers.Authorization is not { Count: 1 } headers || headers[0] is not { Length: < LongestToken } header
            || values[Tenant] is not string tenant || values[Controller] is not string controller
            || EnrollmentEndpoint.HardwareIdFault(controller) is not null)
            return null;
        var services = context.RequestServices;
        var authentication = services.GetRequiredService<DialectAuthentication>();
        var hardwareId = Adoption.Spelled(controller);
        if (header.StartsWith(GatewayToken, StringComparison.OrdinalIgnoreCase))
            return await authentication.ByKeyAsync(tenant, header[GatewayToken.Length..].Trim(), Dialect, hardwareId, context);
        if (!header.StartsWith(TargetToken, StringComparison.OrdinalIgnoreCase))
            return null;
        // Its id stands for what its hardware calls itself; that is how another server's device is found, too.
        var id = services.GetRequiredService<Fleet>().FindByHardware(tenant, hardwareId)?.Id ?? controller;
        return await authentication.ByTokenAsync(id, header[TargetToken.Length..].Trim(), Dialect, context.RequestAborted) is { } caller
            && caller.Device.Product == tenant
            ? caller
            : null;
    }
}
