using System.Globalization;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.Secrets;

namespace Ota.Server.Dialects.Mender;

/// <summary>GET and HEAD of an image by a link that is good for one device and a day: Mender's client shows no token there.</summary>
internal static class ArtifactLink
{
    public const string Device = "device";
    private const string Expires = "expires";
    private const string Signature = "signature";
    private static readonly TimeSpan Life = TimeSpan.FromDays(1);

    public static NextSource To(HttpContext context, Caller caller, string sha256)
    {
        var services = context.RequestServices;
        var until = DateTimeOffset.FromUnixTimeSeconds((services.GetRequiredService<TimeProvider>().GetUtcNow() + Life).ToUnixTimeSeconds());
        var (id, expires) = (caller.Device.Id, until.ToUnixTimeSeconds());
        var signature = services.GetRequiredService<MasterSecret>().DownloadSignature(id, caller.Generation, sha256, expires);
        var request = context.Request;
        return new NextSource(
            string.Create(CultureInfo.InvariantCulture,
                $"{request.Scheme}://{request.Host}{request.PathBase}/mender/artifacts/{id}/{sha256}?{Expires}={expires}&{Signature}={signature}"),
            until);
    }

    public static async Task GetAsync(HttpContext context)
    {
        var services = context.RequestServices;
        var sha256 = (string)context.Request.RouteValues[DialectImage.Sha256]!;
        var query = context.Request.Query;
        if (services.GetRequiredService<Fleet>().Find((string)context.Request.RouteValues[Device]!) is not { Decommissioned: null } device
            || !long.TryParse(query[Expires], NumberStyles.None, CultureInfo.InvariantCulture, out var expires)
            || expires <= services.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeSeconds()
            || !MasterSecret.Same(
                query[Signature].ToString(),
                services.GetRequiredService<MasterSecret>().DownloadSignature(device.Id, device.Generation, sha256, expires))
            || services.GetRequiredService<CallLimits>().Admit(context, new Caller(device, device.Generation)) is not { } caller)
        {
            await CallLimits.RefuseAsync(
                context, Problems.Of(403, "link", "The link is not good", "It has expired, or never was. Ask for the deployment again."));
            return;
        }

        var desk = services.GetRequiredService<DialectDesk>();
        if (desk.Fetchable(caller, sha256) is { } release)
            await desk.ServeImmutableAsync(context, caller, release);
        else
            context.Response.StatusCode = StatusCodes.Status404NotFound;
    }
}
