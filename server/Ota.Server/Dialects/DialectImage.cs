using Ota.Server.Devices;

namespace Ota.Server.Dialects;

/// <summary>GET and HEAD of an image by its hash, under a client's own address: what does not change while a download goes on.</summary>
internal static class DialectImage
{
    /// <summary>Where a route has the hash.</summary>
    public const string Sha256 = "sha256";

    public static async Task GetAsync(HttpContext context, ClientDialect dialect)
    {
        var services = context.RequestServices;
        if (await services.GetRequiredService<DialectAuthentication>().AuthenticateAsync(context, dialect, ClientHeaders.One(context.Request.Headers, ClientHeaders.Mac))
            is not { } caller)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        var desk = services.GetRequiredService<DialectDesk>();
        if (desk.Fetchable(caller, (string?)context.Request.RouteValues[Sha256] ?? "") is not { } release)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        await desk.ServeImmutableAsync(context, caller, release);
    }
}
