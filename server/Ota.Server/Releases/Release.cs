using System.Text.Json.Serialization;
using Ota.Images;
using Ota.Server.Images;
using Ota.Server.Products;

namespace Ota.Server.Releases;

/// <summary>Version + hardware + one image, signed by its developer.</summary>
/// <param name="Id">Hash of the statement.</param>
/// <param name="Statement">The JWS exactly as signed.</param>
/// <param name="SignedBy">Id of the release key.</param>
internal sealed record Release(
    string Id,
    string Product,
    string Version,
    string Kind,
    IReadOnlyList<string> Hardware,
    int SecurityCounter,
    string Channel,
    string? Notes,
    string Statement,
    ReleaseImage Image,
    ImageFacts ImageSays,
    string SignedBy,
    DateTimeOffset Created,
    DateTimeOffset Uploaded,
    string UploadedBy,
    DateTimeOffset? Withdrawn,
    string? WithdrawnReason)
{
    /// <summary>Whether devices must run it before they may run a later version.</summary>
    public bool IsStep { get; init; }

    /// <summary>When a device or a rollout was last seen to need its image; null for never.</summary>
    public DateTimeOffset? Needed { get; init; }
}

/// <summary>The bytes of a release: by their SHA-256, with size in bytes and MD5 for clients that know nothing better.</summary>
internal sealed record ReleaseImage(string Sha256, string Md5, long Size, string Format)
{
    /// <summary>When its file was given up; null while it is there.</summary>
    public DateTimeOffset? Deleted { get; init; }
}

/// <param name="SignerTrusted">False after a rotation that dropped the key it was signed by: devices refuse it.</param>
internal sealed record ReleaseView(
    string Id,
    string Product,
    string Version,
    string Kind,
    IReadOnlyList<string> Hardware,
    int SecurityCounter,
    string Channel,
    string? Notes,
    DateTimeOffset Created,
    DateTimeOffset Uploaded,
    string UploadedBy,
    DateTimeOffset? Withdrawn,
    string? WithdrawnReason,
    string SignedBy,
    bool SignerTrusted,
    ReleaseImageView Image,
    ImageFacts ImageSays,
    bool Step)
{
    public static ReleaseView Of(Release release, Product product) => new(
        release.Id,
        release.Product,
        release.Version,
        release.Kind,
        release.Hardware,
        release.SecurityCounter,
        release.Channel,
        release.Notes,
        release.Created,
        release.Uploaded,
        release.UploadedBy,
        release.Withdrawn,
        release.WithdrawnReason,
        release.SignedBy,
        product.Trusts(release.SignedBy),
        new ReleaseImageView(
            release.Image.Sha256, release.Image.Md5, release.Image.Size, release.Image.Format, "/images/" + release.Image.Sha256, release.Image.Deleted),
        release.ImageSays,
        release.IsStep);
}

/// <param name="Deleted">When its file was given up; null while it can be fetched.</param>
internal sealed record ReleaseImageView(string Sha256, string Md5, long Size, string Format, string Url, DateTimeOffset? Deleted);

public sealed record Withdrawal(string? Reason);

/// <param name="Required">Whether devices must run it before they may run a later version.</param>
public sealed record StepChange(bool? Required);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ImageFacts))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ReleaseJson : JsonSerializerContext;
