using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Releases;

/// <param name="Deleted">When the server gave its file up; null while it can be fetched.</param>
internal sealed record ReleaseImage(string Sha256, string Md5, long Size, string Format, string? Url, DateTimeOffset? Deleted);

/// <param name="Id">The statement's hash.</param>
/// <param name="SignedBy">Id of the release key.</param>
/// <param name="SignerTrusted">False when devices refuse it, as the product has dropped that key.</param>
/// <param name="ImageSays">What the image's own headers say; its members depend on the format.</param>
/// <param name="Step">Devices below it run it before anything newer.</param>
internal sealed record Release(
    string Id,
    string Product,
    string Version,
    string Kind,
    IReadOnlyList<string> Hardware,
    int SecurityCounter,
    string? Channel,
    string? Notes,
    DateTimeOffset? Created,
    DateTimeOffset? Uploaded,
    string? UploadedBy,
    DateTimeOffset? Withdrawn,
    string? WithdrawnReason,
    string? SignedBy,
    bool? SignerTrusted,
    ReleaseImage Image,
    JsonElement? ImageSays,
    bool? Step)
{
    public void Facts(Screen screen, DateTimeOffset now) => screen.Facts(
        ("Release", new Cell($"{Product} {Version}", Tone.Strong)),
        ("Kind", Kind),
        ("Hardware", string.Join(", ", Hardware)),
        ("Withdrawn", new Cell(Withdrawn is null ? "" : $"{When.Both(Withdrawn, now)} {WithdrawnReason}", Tone.Bad)),
        ("Channel", Channel),
        ("Step", Step == true ? "devices below it run it before anything newer" : ""),
        ("Security counter", SecurityCounter),
        ("Notes", Notes),
        ("Image", $"{Image.Format}, {Image.Size:N0} bytes"),
        ("SHA-256", Image.Sha256),
        ("Deleted", Image.Deleted is null ? "" : $"{When.Both(Image.Deleted, now)}, as no unit needed the image; push the same build to bring it back"),
        ("Image says", Says()),
        ("Statement", Id),
        ("Signed by", SignerTrusted == false ? new Cell($"{SignedBy}, which is no longer trusted: devices refuse it", Tone.Bad) : SignedBy),
        ("Signed", When.Both(Created, now)),
        ("Uploaded", Uploaded is null ? "" : $"{When.Both(Uploaded, now)} by {UploadedBy}"));

    /// <summary>Why it cannot be deployed; empty when it can.</summary>
    public Cell State() => Withdrawn is not null ? new Cell("withdrawn", Tone.Bad)
        : SignerTrusted == false ? new Cell("no longer trusted", Tone.Bad)
        : Image.Deleted is not null ? new Cell("image deleted", Tone.Dim)
        : new Cell("");

    private string Says() => ImageSays is { ValueKind: JsonValueKind.Object } says
        ? string.Join(", ", says.EnumerateObject()
            .Where(member => member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number)
            .Select(member => $"{member.Name} {member.Value}"))
        : "";
}

internal sealed record Reason([property: JsonPropertyName("reason")] string? Text);

internal static class ReleaseCalls
{
    /// <summary>The path of one release, or of a call below it; hardware and kind tell several of one version apart.</summary>
    public static ApiPath PathOf(string product, string version, ReleaseCall call, string? hardware, string? kind) => (call switch
    {
        ReleaseCall.Statement => ApiPath.Of($"products/{product}/releases/{version}/statement"),
        ReleaseCall.Withdraw => ApiPath.Of($"products/{product}/releases/{version}/withdraw"),
        _ => ApiPath.Of($"products/{product}/releases/{version}"),
    }).With("hardware", hardware).With("kind", kind);
}

internal enum ReleaseCall { Show, Statement, Withdraw }
