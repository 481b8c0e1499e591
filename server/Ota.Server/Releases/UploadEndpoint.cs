using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Ota.Server.Http;
using Ota.Server.Images;
using Ota.Server.Products;
using Ota.Server.Settings;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Releases;

/// <summary>
/// POST of a build: <c>multipart/form-data</c>, the part <c>statement</c> first, then the part <c>image</c>. The statement comes first so that
/// nobody's bytes are taken whom no trusted key vouches for; the image goes from the socket to the disk as it comes.
/// </summary>
internal static class UploadEndpoint
{
    private const int LongestBoundary = 200;

    public static async Task<Results<Created<ReleaseView>, Ok<ReleaseView>, ProblemHttpResult>> UploadAsync(
        string product,
        HttpRequest request,
        ProductCatalog products,
        ReleaseIntake intake,
        ServerSettings settings,
        ClaimsPrincipal user,
        CancellationToken cancellation,
        string channel = "stable")
    {
        if (products.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        if (Names.Fault(channel) is { } fault)
            return Problems.Invalid("The channel " + fault);
        if (Boundary(request) is not { } boundary)
        {
            return Problems.Of(415, "content-type", "Wrong content type",
                "Send multipart/form-data with the part 'statement' first, then the part 'image'.");
        }

        if (request.HttpContext.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = settings.MaximumImageSize + 1024 * 1024;
        try
        {
            var reader = new MultipartReader(boundary, request.Body) { HeadersCountLimit = 16, HeadersLengthLimit = 8192 };
            if (await StatementAsync(await reader.ReadNextSectionAsync(cancellation), cancellation) is not { } compact)
                return Problems.Invalid($"The first part must be 'statement', a release statement of at most {Jws.MaximumLength} characters.");
            if (intake.CheckStatement(found, compact, out var refusal) is not { } verified)
                return Told(refusal!);
            if (await reader.ReadNextSectionAsync(cancellation) is not { } image || NameOf(image) != "image")
                return Problems.Invalid("The second part must be 'image', the image's bytes.");

            var result = await intake.TakeAsync(found, verified, image.Body, channel, user.Who(), cancellation);
            if (result.Refusal is { } refused)
                return Told(refused);
            var release = result.Release!;
            if (result.Added == Added.AlreadyThere && release.Withdrawn is not null)
            {
                return Problems.Conflict("withdrawn",
                    $"{release.Product} {release.Version} is there and was withdrawn: {release.WithdrawnReason ?? "no reason was given"}. "
                    + "A withdrawn release does not come back; give this build a version of its own.");
            }

            return result.Added == Added.New
                ? TypedResults.Created($"/api/v1/products/{release.Product}/releases/{release.Version}", ReleaseView.Of(release, found))
                : TypedResults.Ok(ReleaseView.Of(release, found));
        }
        catch (BadHttpRequestException large) when (large.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return Problems.Of(413, "too-large", "The build was refused",
                $"The upload is larger than an image may be here: {settings.MaximumImageSize} bytes (setting MaximumImageSizeMiB).");
        }
        catch (Exception broken) when (broken is InvalidDataException or EndOfStreamException
            or (IOException { InnerException: null, HResult: CutShort } and not StorageUnavailableException))
        {
            return Problems.Invalid("The multipart body is cut short or malformed; nothing was kept. Send it again.");
        }
    }

    // What MultipartReader's unexpected end of stream carries: a plain IOException, unlike a disk's fault.
    private const int CutShort = unchecked((int)0x80131620);

    private static ProblemHttpResult Told(IntakeRefusal refusal) =>
        Problems.Of(refusal.Status, refusal.Name, "The build was refused", refusal.Reason);

    private static string? Boundary(HttpRequest request)
    {
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
            || !type.MediaType.Equals("multipart/form-data", StringComparison.OrdinalIgnoreCase))
            return null;
        var boundary = HeaderUtilities.RemoveQuotes(type.Boundary).Value;
        return boundary is { Length: > 0 and <= LongestBoundary } ? boundary : null;
    }

    private static async Task<string?> StatementAsync(MultipartSection? section, CancellationToken cancellation)
    {
        if (section is null || NameOf(section) != "statement")
            return null;
        var buffer = new byte[Jws.MaximumLength + 2];
        var read = await section.Body.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancellation);
        return read == buffer.Length ? null : Encoding.ASCII.GetString(buffer, 0, read).Trim();
    }

    private static string? NameOf(MultipartSection section) =>
        ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
            ? HeaderUtilities.RemoveQuotes(disposition.Name).Value
            : null;
}
