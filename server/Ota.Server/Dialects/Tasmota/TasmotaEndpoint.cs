using Ota.Server.Devices;
using Ota.Server.Dialects.EspUpdater;

namespace Ota.Server.Dialects.Tasmota;

/// <summary>
/// GET of Tasmota's OtaUrl: Arduino's updater, whatever the file is called. When an image does not fit it asks for the siblings
/// <c>-minimal</c> and <c>-safeboot</c> (docs/dialects.md), which no release has.
/// </summary>
internal static class TasmotaEndpoint
{
    private static readonly string[] Siblings = ["-minimal", "-safeboot"];

    public static void MapTasmota(this IEndpointRouteBuilder app) =>
        app.MapGet($"/{ClientDialect.Tasmota.Name}/{{{DialectAuthentication.Credential}}}/{{**file}}", GetAsync).ShortCircuit().ExcludeFromDescription();

    private static async Task GetAsync(HttpContext context)
    {
        var headers = context.Request.Headers;
        var own = headers.ContainsKey("x-ESP32-STA-MAC") ? "x-ESP32-" : "x-ESP8266-";
        if (await context.RequestServices.GetRequiredService<DialectAuthentication>()
            .AuthenticateAsync(context, ClientDialect.Tasmota, ClientHeaders.One(headers, own + "STA-MAC")) is not { } caller)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        var file = ((string?)context.Request.RouteValues["file"] ?? "").Split('/')[^1].Split('.')[0];
        if (Siblings.Any(sibling => file.EndsWith(sibling, StringComparison.Ordinal)))
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        var says = EspUpdaterEndpoint.Says(headers, own);
        // 14.2.0(release-tasmota)
        await EspUpdaterEndpoint.UpdateAsync(
            context, caller, says with { Version = says.Version?.Split('(')[0] }, ClientHeaders.Number(headers, own + "free-space"));
    }
}
