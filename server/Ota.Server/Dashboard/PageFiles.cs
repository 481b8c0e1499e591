using System.Collections.Concurrent;
using System.IO.Compression;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Http;

namespace Ota.Server.Dashboard;

/// <summary>
/// The dashboard's own files, from the assembly: scripts, styles and fonts. Their addresses carry a digest, so that a browser may keep them for
/// ever and never has an old one beside a new server.
/// </summary>
internal static class PageFiles
{
    private const string Prefix = "assets/";
    private const string Forever = "public, max-age=31536000, immutable";

    private static readonly HashSet<string> Names =
    [
        .. typeof(PageFiles).Assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(name => name[Prefix.Length..]),
    ];

    private static readonly ConcurrentDictionary<string, Asset> Kept = new(StringComparer.Ordinal);

    public static string Url(string name) => $"/assets/{name}?v={Find(name)!.Digest}";

    public static void MapFiles(this IEndpointRouteBuilder app) =>
        app.MapGet("/assets/{**name}", Get).AllowAnonymous().ExcludeFromDescription();

    private static Results<FileContentHttpResult, ProblemHttpResult> Get(string name, HttpContext context)
    {
        if (Find(name) is not { } asset)
            return Problems.NotFound("file", name);
        context.Response.Headers.CacheControl = Forever;
        context.Response.Headers.Vary = "Accept-Encoding";
        if (asset.Brotli is null || !context.Request.Headers.AcceptEncoding.ToString().Contains("br", StringComparison.Ordinal))
            return TypedResults.Bytes(asset.Bytes, asset.Type);
        context.Response.Headers.ContentEncoding = "br";
        return TypedResults.Bytes(asset.Brotli, asset.Type);
    }

    private static Asset? Find(string name) => Names.Contains(name) ? Kept.GetOrAdd(name, Load) : null;

    private static Asset Load(string name)
    {
        using var stream = typeof(PageFiles).Assembly.GetManifestResourceStream(Prefix + name)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var type = Path.GetExtension(name) switch
        {
            ".css" => "text/css; charset=utf-8",
            ".js" => "text/javascript; charset=utf-8",
            ".svg" => "image/svg+xml",
            ".woff2" => "font/woff2",
            var other => throw new InvalidOperationException($"No content type is known for {other}."),
        };
        return new Asset(
            bytes, type.StartsWith("text/", StringComparison.Ordinal) ? Compressed(bytes) : null, type, Convert.ToHexStringLower(SHA256.HashData(bytes)[..6]));
    }

    private static byte[] Compressed(byte[] bytes)
    {
        using var compressed = new MemoryStream();
        using (var brotli = new BrotliStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
            brotli.Write(bytes);
        return compressed.ToArray();
    }

    private sealed record Asset(byte[] Bytes, byte[]? Brotli, string Type, string Digest);
}

/// <summary>What every page says to the browser: nothing from elsewhere, no script but ours, in nobody's frame.</summary>
internal static class PageHeaders
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "form-action 'self'; frame-ancestors 'none'; base-uri 'self'";

    private static readonly string[] NoPages = ["/api", "/agent", "/images", "/docs", "/openapi", "/jobs"];

    public static Task AddAsync(HttpContext context, RequestDelegate next)
    {
        if (!NoPages.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase)))
        {
            var headers = context.Response.Headers;
            headers.ContentSecurityPolicy = Policy;
            headers.XContentTypeOptions = "nosniff";
            headers["Referrer-Policy"] = "same-origin";
        }

        return next(context);
    }
}
