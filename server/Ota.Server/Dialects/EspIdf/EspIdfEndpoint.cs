using System.Globalization;
using Ota.Server.CheckIns;
using Ota.Server.Devices;
using Ota.Server.Images;
using Ota.Server.Releases;

namespace Ota.Server.Dialects.EspIdf;

/// <summary>
/// GET and HEAD of esp_https_ota, and of whatever else fetches a file by HTTP (docs/dialects.md): an ask is led to an address that names the
/// image by its hash, so that a download in parts or one that goes on later is of one image from end to end.
/// </summary>
internal static class EspIdfEndpoint
{
    private static readonly ClientDialect Dialect = ClientDialect.EspIdf;
    private static readonly string[] Methods = ["GET", "HEAD"];

    public static void MapEspIdf(this IEndpointRouteBuilder app)
    {
        foreach (var root in new[] { $"/{Dialect.Name}", $"/{Dialect.Name}/{{{DialectAuthentication.Credential}}}" })
            app.MapMethods(root, Methods, AskAsync).ShortCircuit().ExcludeFromDescription();
        foreach (var root in new[] { $"/{Dialect.Name}/images", $"/{Dialect.Name}/{{{DialectAuthentication.Credential}}}/images" })
        {
            app.MapMethods($"{root}/{{{DialectImage.Sha256}}}", Methods, context => DialectImage.GetAsync(context, Dialect))
                .ShortCircuit().ExcludeFromDescription();
        }
    }

    private static async Task AskAsync(HttpContext context)
    {
        var services = context.RequestServices;
        var headers = context.Request.Headers;
        if (await services.GetRequiredService<DialectAuthentication>().AuthenticateAsync(context, Dialect, ClientHeaders.One(headers, ClientHeaders.Mac))
                is not { } caller
            || await services.GetRequiredService<DialectDesk>().AskAsync(caller, ClientHeaders.Of(headers)) is not { } answer)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        var response = context.Response;
        response.Headers.CacheControl = "no-store";
        if (answer.Release is not { Image: var image } release)
        {
            response.StatusCode = StatusCodes.Status304NotModified;
        }
        else if (!ClientDownloads.MayGoOn(caller, release, FirstOf(context.Request, image)))
        {
            // What it has is of another image, for all that is known here: it is to begin again.
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{image.Size}");
            response.StatusCode = StatusCodes.Status416RangeNotSatisfiable;
        }
        else
        {
            response.Headers.Location = $"{context.Request.Path.Value!.TrimEnd('/')}/images/{image.Sha256}";
            response.StatusCode = StatusCodes.Status302Found;
        }
    }

    // What names its image by a tag is held against the image itself, where it is led to.
    private static long FirstOf(HttpRequest request, ReleaseImage image) =>
        !string.IsNullOrEmpty(request.Headers.IfRange) || !string.IsNullOrEmpty(request.Headers.IfMatch) ? 0
        : RequestedRange.Of(request.Headers.Range, image.Size) is { Kind: not RangeKind.Unsatisfiable } range ? range.First
        : image.Size;
}
