using System.Globalization;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Images;
using Ota.Server.Limits;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.Releases;

/// <summary>GET and HEAD of /images/{sha256}: who may have which bytes.</summary>
internal static class ImageDownload
{
    public static async Task GetAsync(HttpContext context)
    {
        var services = context.RequestServices;
        var sha256 = (string?)context.Request.RouteValues["sha256"] ?? "";
        var (known, product) = await AskerAsync(context, sha256);
        if (!known)
        {
            await DeviceAuthentication.RefuseAsync(context);
            return;
        }

        if (services.GetRequiredService<ReleaseCatalog>().ImageFor(sha256, product) is not { } image)
        {
            await Problems.WriteAsync(context, Problems.NotFound("image", sha256));
            return;
        }

        await ImageEndpoints.ServeAsync(
            context, services.GetRequiredService<IImageStore>(), new StoredImage(image.Sha256, image.Md5, image.Size));
    }

    // A device gets what its product has; staff and the holder of a signed link get what they name.
    private static async ValueTask<(bool Known, string? Product)> AskerAsync(HttpContext context, string sha256)
    {
        var services = context.RequestServices;
        if (await services.GetRequiredService<DeviceAuthentication>().AuthenticateAsync(context.Request) is { } caller)
            return (true, caller.Device.Product);
        if (HasLink(context, sha256))
            return (true, null);
        var header = context.Request.Headers.Authorization.ToString();
        return (header.StartsWith("Bearer ota_", StringComparison.Ordinal)
            && services.GetRequiredService<StaffDirectory>().Authenticate(header["Bearer ".Length..].Trim()) is { } key
            && services.GetRequiredService<CallLimits>().AdmitsKey(context, key), null);
    }

    private static bool HasLink(HttpContext context, string sha256)
    {
        var query = context.Request.Query;
        return long.TryParse(query["expires"], NumberStyles.None, CultureInfo.InvariantCulture, out var expires)
            && expires >= context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeSeconds()
            && query["signature"].ToString() is { Length: > 0 and < 100 } signature
            && MasterSecret.Same(signature, context.RequestServices.GetRequiredService<MasterSecret>().ImageSignature(sha256, expires));
    }
}
