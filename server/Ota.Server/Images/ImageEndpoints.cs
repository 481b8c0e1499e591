using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace Ota.Server.Images;

/// <summary>Answers GET and HEAD of <c>/images/{sha256}</c> (docs/protocol.md §3).</summary>
internal static class ImageEndpoints
{
    private const string Immutable = "public, max-age=31536000, immutable";

    /// <summary>
    /// Serves an image that the caller found and that this client may have: 200, 206, 304, 404 when the file is gone,
    /// 412, 416. Returns quietly when the client goes away.
    /// </summary>
    public static async Task ServeAsync(HttpContext context, StoredImage image)
    {
        var tag = new EntityTagHeaderValue($"\"{image.Sha256}\"");
        var request = context.Request;
        var headers = context.Response.Headers;
        switch (ImagePreconditions.Evaluate(request.GetTypedHeaders(), tag))
        {
            case Precondition.Failed:
                await ProblemAsync(context, StatusCodes.Status412PreconditionFailed, "precondition-failed");
                return;
            case Precondition.NotModified:
                headers.ETag = tag.Tag.Value;
                headers.CacheControl = Immutable;
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
        }

        // Range means something for GET only (RFC 9110 §14.2).
        var range = HttpMethods.IsGet(request.Method) && ImagePreconditions.RangeApplies(request.Headers.IfRange, tag)
            ? RequestedRange.Of(request.Headers.Range, image.Size)
            : new RequestedRange(RangeKind.Whole, 0, image.Size);
        if (range.Kind == RangeKind.Unsatisfiable)
        {
            headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{image.Size}");
            await ProblemAsync(context, StatusCodes.Status416RangeNotSatisfiable, "range-not-satisfiable");
            return;
        }

        using var file = ImageStore.OpenFile(image.Path);
        if (file is null)
        {
            await ProblemAsync(context, StatusCodes.Status404NotFound, "image-not-found");
            return;
        }

        headers.ETag = tag.Tag.Value;
        headers.CacheControl = Immutable;
        headers.AcceptRanges = "bytes";
        headers.ContentType = "application/octet-stream";
        headers.ContentLength = range.Length;
        // Of the whole image, also with a part of it: for the ESP8266's updater, which knows nothing better.
        headers["x-MD5"] = image.Md5;
        if (range.Kind == RangeKind.Part)
        {
            context.Response.StatusCode = StatusCodes.Status206PartialContent;
            headers.ContentRange = string.Create(
                CultureInfo.InvariantCulture, $"bytes {range.First}-{range.First + range.Length - 1}/{image.Size}");
        }

        if (!HttpMethods.IsHead(request.Method))
            await ImageBody.SendAsync(context, file, range.First, range.Length);
    }

    private static Task ProblemAsync(HttpContext context, int status, string name) =>
        TypedResults.Problem(statusCode: status, type: "urn:ota:problem:" + name).ExecuteAsync(context);
}
