using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ota.Signing;

/// <summary>What an image is, by its bytes.</summary>
/// <param name="Format"><c>nano</c>, <c>esp32</c>, <c>esp8266</c> or <c>raw</c>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Lower-case hex.</param>
/// <param name="Md5">Lower-case hex; for clients that know nothing better.</param>
/// <param name="ChunkSize">Bytes; 4096 doubled until there are at most 128 chunks.</param>
/// <param name="Chunks">base64url HMAC-SHA256 of each chunk under the public chunk key.</param>
public sealed record ImageDescription(
    string Format, long Size, string Sha256, string Md5, int ChunkSize, IReadOnlyList<string> Chunks);

/// <summary>The signed description of a release (docs/protocol.md §1.1).</summary>
public sealed record ReleaseStatement(
    string Product,
    string Version,
    string Kind,
    IReadOnlyList<string> Hardware,
    int SecurityCounter,
    long Created,
    ImageDescription Image,
    string? Notes = null)
{
    /// <summary>A release of this kind is what a device runs.</summary>
    public const string ApplicationKind = "application";

    /// <summary>A release of this kind clears credentials and goes back.</summary>
    public const string RecoveryKind = "recovery";

    /// <summary>Signs this statement; the result is stored and served as it is.</summary>
    public string Sign(RSA key) =>
        Jws.SignRs256(
            JwsKind.Release,
            JsonSerializer.SerializeToUtf8Bytes(this, StatementJson.Default.ReleaseStatement),
            key);

    /// <summary>
    /// Reads a statement and verifies that one of <paramref name="keys"/> signed it. Null and a sentence that says what is wrong
    /// when it is not acceptable.
    /// </summary>
    public static VerifiedStatement? Verify(string compact, IReadOnlyList<ReleaseKey> keys, out string reason)
    {
        if (Jws.Read(JwsKind.Release, compact, out reason) is not { } parts)
        {
            reason = "This is not a release statement: " + reason + ".";
            return null;
        }

        if (keys.FirstOrDefault(key => key.Verifies(parts)) is not { } signer)
        {
            reason = "The statement's signature fits none of the product's release keys.";
            return null;
        }

        ReleaseStatement? statement;
        try
        {
            statement = JsonSerializer.Deserialize(parts.Payload, StatementJson.Default.ReleaseStatement);
        }
        catch (JsonException fault)
        {
            reason = $"The statement's JSON cannot be read at '{fault.Path}'.";
            return null;
        }

        if (statement is null)
        {
            reason = "The statement is empty.";
            return null;
        }

        reason = statement.Fault() ?? "";
        return reason.Length > 0 ? null : new VerifiedStatement(statement, compact, Jws.HashOf(compact), signer);
    }

    /// <summary>What is wrong with the fields, or null: lengths, ranges, chunk arithmetic.</summary>
    public string? Fault()
    {
        if (Names.Fault(Product) is { } product)
            return "The statement's product " + product;
        if (Names.VersionFault(Version) is { } version)
            return "The statement's version " + version;
        if (Kind is not (ApplicationKind or RecoveryKind))
            return $"The statement's kind is neither {ApplicationKind} nor {RecoveryKind}.";
        if (Hardware is not { Count: >= 1 and <= 16 })
            return "The statement must name 1 to 16 kinds of hardware.";
        if (Hardware.Select(Names.Fault).FirstOrDefault(fault => fault is not null) is { } hardware)
            return "The statement's hardware " + hardware;
        if (Hardware.Distinct(StringComparer.Ordinal).Count() != Hardware.Count)
            return "The statement names one kind of hardware twice.";
        if (SecurityCounter < 0)
            return "The statement's securityCounter is negative.";
        if (Created is < 0 or > Jws.LatestTime)
            return "The statement's created is not a time in Unix seconds.";
        if (Notes is { Length: > 2000 })
            return "The statement's notes are longer than 2,000 characters.";
        return Image is null ? "The statement describes no image." : ImageFault(Image);
    }

    private static string? ImageFault(ImageDescription image)
    {
        if (image.Format is not ("nano" or "esp32" or "esp8266" or "raw"))
            return "The statement's image format is none of nano, esp32, esp8266, raw.";
        if (image.Size < 1)
            return "The statement's image is empty.";
        if (!Names.IsHex(image.Sha256, 64) || !Names.IsHex(image.Md5, 32))
            return "The statement's digests are not lower-case hex SHA-256 and MD5.";
        if (image.ChunkSize != ImageDigests.ChunkSizeFor(image.Size))
            return $"The statement's chunkSize is {image.ChunkSize}; for {image.Size} bytes it is {ImageDigests.ChunkSizeFor(image.Size)}.";
        return image.Chunks is null || image.Chunks.Count != (image.Size + image.ChunkSize - 1) / image.ChunkSize
            ? "The statement has not one digest for each chunk."
            : null;
    }
}

/// <summary>A statement whose signature was verified, with its bytes as signed and its hash.</summary>
public sealed record VerifiedStatement(ReleaseStatement Statement, string Compact, string Hash, ReleaseKey Signer);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReleaseStatement))]
[JsonSerializable(typeof(KeyStatement))]
internal sealed partial class StatementJson : JsonSerializerContext;
