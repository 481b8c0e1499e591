using System.Globalization;
using Ota.Server.CheckIns;
using Ota.Server.Devices;
using Ota.Server.Releases;

namespace Ota.Server.Dialects.EspUpdater;

/// <summary>
/// GET of Arduino's updaters, ESP8266httpUpdate and the ESP32's HTTPUpdate: the image is the answer, 304 means to keep what runs (docs/dialects.md).
/// They take no range, follow no redirect and need a Content-Length.
/// </summary>
internal static class EspUpdaterEndpoint
{
    public static void MapEspUpdaters(this IEndpointRouteBuilder app)
    {
        foreach (var dialect in new[] { ClientDialect.Esp8266, ClientDialect.Esp32 })
        {
            app.MapGet($"/{dialect.Name}", context => GetAsync(context, dialect)).ShortCircuit().ExcludeFromDescription();
            app.MapGet($"/{dialect.Name}/{{{DialectAuthentication.Credential}}}", context => GetAsync(context, dialect))
                .ShortCircuit().ExcludeFromDescription();
        }
    }

    private static async Task GetAsync(HttpContext context, ClientDialect dialect)
    {
        var headers = context.Request.Headers;
        var own = "x-" + dialect.Name + "-";
        var services = context.RequestServices;
        if (await services.GetRequiredService<DialectAuthentication>().AuthenticateAsync(context, dialect, ClientHeaders.One(headers, own + "STA-MAC"))
            is not { } caller)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        switch (ClientHeaders.One(headers, own + "mode"))
        {
            case null or "sketch":
                await UpdateAsync(context, caller, Says(headers, own), ClientHeaders.Number(headers, own + "free-space"));
                break;
            case "version":
                await VersionAsync(context, caller, Says(headers, own));
                break;
            default:
                // A file system: releases are firmware, so there is never another one.
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                break;
        }
    }

    public static async Task UpdateAsync(HttpContext context, Caller caller, ClientSays says, long? freeSpace)
    {
        var desk = context.RequestServices.GetRequiredService<DialectDesk>();
        if (await desk.AskAsync(caller, says) is not { } answer)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        if (answer.Release is not { } release || await IsTooLargeAsync(desk, caller, answer, release, freeSpace))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        context.Response.Headers["x-SHA256"] = release.Image.Sha256;
        await desk.ServeAsync(context, caller, release);
    }

    private static async Task VersionAsync(HttpContext context, Caller caller, ClientSays says)
    {
        if (await context.RequestServices.GetRequiredService<DialectDesk>().AskAsync(caller, says with { IsLooking = true }) is not { } answer)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        // Its own words if there is nothing: it looks whether the two differ.
        context.Response.Headers["x-version"] = answer.Release?.Version ?? says.Version ?? caller.Device.Heard?.CheckIn.Running ?? "";
        context.Response.ContentLength = 0;
    }

    // It would refuse it without fetching it, again and again.
    private static async Task<bool> IsTooLargeAsync(DialectDesk desk, Caller caller, DialectAnswer answer, Release release, long? freeSpace)
    {
        if (freeSpace is not (> 0 and { } free) || release.Image.Size <= free)
            return false;
        await desk.ConcludeAsync(caller, answer.Deployment!.Id, "failed", string.Create(
            CultureInfo.InvariantCulture, $"no-space: the image has {release.Image.Size} bytes, the device {free} free"));
        return true;
    }

    public static ClientSays Says(IHeaderDictionary headers, string own) => ClientHeaders.Of(
        headers,
        ClientHeaders.One(headers, own + "version"),
        ClientHeaders.One(headers, own + "sketch-sha256") ?? ClientHeaders.One(headers, own + "sketch-md5"));
}
