using System.Globalization;
using Microsoft.Net.Http.Headers;

namespace Ota.Server.Images;

/// <summary>Answers GET and HEAD of <c>/images/{sha256}</c> (docs/protocol.md §3).</summary>
internal static partial class ImageEndpoints
{
    /// <summary>Cache-Control of something named by its hash.</summary>
    public const string Immutable = "public, max-age=31536000, immutable";

    /// <summary>
    /// Serves an image that the caller found and that this client may have: 200, 206, 304, 404 when it is gone from the
    /// store, 412, 416; 302 where the store hands out links. Returns quietly when the client goes away.
    /// </summary>
    /// <exception cref="StorageUnavailableException">The storage does not answer; nothing was sent yet.</exception>
    /// <param name="handout">Who it goes out to, if that is watched; null for anybody who may have it.</param>
    public static async Task ServeAsync(HttpContext context, IImageStore store, StoredImage image, Handout? handout = null)
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
                headers.CacheControl = handout?.CacheControl ?? Immutable;
                context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
        }

        if (handout is null && store.LinkTo(image.Sha256) is { } link)
        {
            await RedirectAsync(context, store, image, link);
            return;
        }

        // Range means something for GET only (RFC 9110 §14.2).
        var range = HttpMethods.IsGet(request.Method) && ImagePreconditions.RangeApplies(request.Headers.IfRange, tag)
            ? RequestedRange.Of(request.Headers.Range, image.Size)
            : new RequestedRange(RangeKind.Whole, 0, image.Size);
        if (range.Kind == RangeKind.Unsatisfiable || (range.Kind == RangeKind.Part && handout is not null
            && !ImagePreconditions.Names(request.GetTypedHeaders(), request.Headers.IfRange, tag) && !handout.MayGoOnAt(range.First)))
        {
            headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{image.Size}");
            await ProblemAsync(context, StatusCodes.Status416RangeNotSatisfiable, "range-not-satisfiable");
            return;
        }

        var isHead = HttpMethods.IsHead(request.Method);
        await using var bytes = isHead
            ? null
            : await store.OpenAsync(image.Sha256, range.First, range.Length, context.RequestAborted);
        if (bytes is null && !(isHead && await store.ExistsAsync(image.Sha256, context.RequestAborted)))
        {
            await VanishedAsync(context, image);
            return;
        }

        headers.ETag = tag.Tag.Value;
        headers.CacheControl = handout?.CacheControl ?? Immutable;
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

        if (bytes is not null)
            await SendAsync(context, bytes, range, image.Size, handout);
    }

    private static async Task SendAsync(HttpContext context, IImageReader bytes, RequestedRange range, long size, Handout? handout)
    {
        try
        {
            await ImageBody.SendAsync(context, bytes, range, size, handout);
        }
        catch (StorageUnavailableException broken) when (context.Response.HasStarted)
        {
            // Cut off, so that the client cannot take what came for the whole; it goes on where this ends.
            Log.BrokenOff(Logger(context), broken.Reason);
            context.Abort();
        }
    }

    // The storage knows Range, If-Range and HEAD by itself. The link is good for minutes, so it is not to be kept.
    private static async Task RedirectAsync(HttpContext context, IImageStore store, StoredImage image, Uri link)
    {
        if (!await store.ExistsAsync(image.Sha256, context.RequestAborted))
        {
            await VanishedAsync(context, image);
            return;
        }

        context.Response.Headers.CacheControl = "no-store";
        context.Response.Headers.Location = link.AbsoluteUri;
        context.Response.StatusCode = StatusCodes.Status302Found;
    }

    private static Task VanishedAsync(HttpContext context, StoredImage image)
    {
        Log.Vanished(Logger(context), image.Sha256);
        return ProblemAsync(context, StatusCodes.Status404NotFound, "image-not-found");
    }

    private static Task ProblemAsync(HttpContext context, int status, string name) =>
        TypedResults.Problem(statusCode: status, type: "urn:ota:problem:" + name).ExecuteAsync(context);

    private static ILogger Logger(HttpContext context) =>
        context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger(typeof(ImageEndpoints));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "The image {Sha256} is not in the store any more; push its release again.")]
        public static partial void Vanished(ILogger logger, string sha256);

        [LoggerMessage(2, LogLevel.Error, "A download was broken off: {Reason}.")]
        public static partial void BrokenOff(ILogger logger, string reason);
    }
}
