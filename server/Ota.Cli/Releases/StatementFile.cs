using System.Text.Json;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Signing;

namespace Ota.Cli.Releases;

/// <summary>Statements signed elsewhere, and images held against what a statement says.</summary>
internal static class StatementFile
{
    /// <summary>Reads a statement without knowing whose it is; the server, or <c>release verify</c>, checks the signature.</summary>
    public static Signed Read(string file, string product, string version)
    {
        var compact = LocalFile.Text(file).Trim();
        if (Jws.Read(JwsKind.Release, compact, out var reason) is not { } parts)
            throw FailureException.Usage($"{file} is not a release statement: {reason}.");
        var statement = Parse(parts.Payload);
        if (statement is null || statement.Fault() is not null)
            throw FailureException.Usage($"{file} is not a release statement: {statement?.Fault() ?? "its JSON cannot be read."}");
        return Names(statement, product, version) is { } other
            ? throw FailureException.Usage($"{file} is for {other}, not for {product} {version}.")
            : new Signed(statement, compact, Signer: "");
    }

    /// <summary>What a statement is for when that is something else than asked; a good signature on another release proves nothing.</summary>
    public static string? Names(ReleaseStatement statement, string product, string version) =>
        statement.Product == product && statement.Version == version ? null : $"{statement.Product} {statement.Version}";

    /// <summary>Null when the image is the one described, else the end of a sentence.</summary>
    public static async Task<string?> DifferenceAsync(FileStream image, ImageDescription described, CancellationToken cancellation)
    {
        if (image.Length != described.Size)
            return $"has {image.Length:N0} bytes, and the statement describes {described.Size:N0}.";
        image.Position = 0;
        var actual = await TransferBar.ShowAsync(
            "Hashing", image.Length, progress => ImageDigests.OfAsync(image, image.Length, described.Format, progress, cancellation));
        if (actual.Sha256 != described.Sha256)
            return $"has SHA-256 {actual.Sha256}, and the statement says {described.Sha256}.";
        return actual.Md5 == described.Md5 && actual.Chunks.SequenceEqual(described.Chunks, StringComparer.Ordinal)
            ? null
            : "has the SHA-256 the statement says, but not its MD5 or chunk digests; devices will refuse it.";
    }

    private static ReleaseStatement? Parse(byte[] payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, OtaJson.Wire<ReleaseStatement>());
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
