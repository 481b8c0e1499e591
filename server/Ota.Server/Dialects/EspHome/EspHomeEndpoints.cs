using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Images.Formats;
using Ota.Server.CheckIns;
using Ota.Server.Devices;
using Ota.Server.Releases;

namespace Ota.Server.Dialects.EspHome;

/// <param name="Version">What the client is to run; any other one than its own is an update to it, also a lower one.</param>
internal sealed record Manifest(string Name, string Version, IReadOnlyList<ManifestBuild> Builds);

internal sealed record ManifestBuild(string ChipFamily, ManifestOta Ota);

/// <param name="Path">Relative to the manifest. One that had "http" anywhere in it would be taken for a whole address.</param>
internal sealed record ManifestOta(string Path, string Md5, string? Summary);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Manifest))]
internal sealed partial class ManifestJson : JsonSerializerContext;

/// <summary>GET of ESPHome's managed updates (docs/dialects.md): a manifest for one unit, and its image.</summary>
internal static class EspHomeEndpoints
{
    private const string NoImage = "none";
    private const int LongestSummary = 250;
    private static readonly ClientDialect Dialect = ClientDialect.EspHome;

    public static void MapEspHome(this IEndpointRouteBuilder app)
    {
        var root = $"/{Dialect.Name}/{{{DialectAuthentication.Credential}}}";
        app.MapGet(root + "/manifest.json", ManifestAsync).ShortCircuit().ExcludeFromDescription();
        app.MapMethods($"{root}/images/{{{DialectImage.Sha256}}}", ["GET", "HEAD"], context => DialectImage.GetAsync(context, Dialect))
            .ShortCircuit().ExcludeFromDescription();
    }

    private static async Task ManifestAsync(HttpContext context)
    {
        var services = context.RequestServices;
        if (await services.GetRequiredService<DialectAuthentication>().AuthenticateAsync(context, Dialect, mac: null) is not { } caller)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        var device = caller.Device;
        var says = ClientHeaders.Of(context.Request.Headers, VersionIn(context.Request.Headers.UserAgent, device.Product));
        if (await services.GetRequiredService<DialectDesk>().AskAsync(caller, says) is not { } answer)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        var manifest = answer.Release is { } release
            ? Of(device, release.Version, release)
            : Of(device, says.Version ?? Known(device), services.GetRequiredService<ReleaseCatalog>().Find(device.Heard?.CheckIn.Release));
        var bytes = JsonSerializer.SerializeToUtf8Bytes(manifest, ManifestJson.Default.Manifest);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private static Manifest Of(Device device, string version, Release? release) => new(
        device.Product,
        version,
        [
            new ManifestBuild(
                (release?.ImageSays.Chip ?? EspChips.OfHardware(device.Hardware) ?? device.Hardware).ToUpperInvariant(),
                new ManifestOta(
                    "images/" + (release?.Image.Sha256 ?? NoImage),
                    release?.Image.Md5 ?? new string('0', 32),
                    release?.Notes is { Length: > LongestSummary } notes ? ShortText.Start(notes, LongestSummary) : release?.Notes)),
        ]);

    // To an empty version ESPHome says that there is no update.
    private static string Known(Device device) =>
        device.Heard is not null ? device.Running ?? "" : "";

    // "lamp/1.2.0", where the product is lamp and the configuration's useragent says so.
    private static string? VersionIn(string? userAgent, string product) =>
        userAgent is { Length: < 256 } && userAgent.StartsWith(product + "/", StringComparison.Ordinal)
            ? userAgent[(product.Length + 1)..].Split(' ')[0]
            : null;
}
