using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Keys;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Signing;

namespace Ota.Cli.Releases;

/// <param name="FileMatches">Null when no file was given.</param>
internal sealed record VerifiedResult(
    string Product, string Version, string Kind, IReadOnlyList<string> Hardware, string Id, string SignedBy, string Sha256, long Size,
    bool? FileMatches);

/// <summary><c>ota release verify</c>: believes the named keys and nothing the server says.</summary>
internal static class VerifyRelease
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Version = Arguments.Version();
    private static readonly Option<string?> Hardware = Arguments.Hardware();
    private static readonly Option<string?> Kind = Arguments.Kind();

    private static readonly Option<string[]> ReleaseKeys = new("--release-key")
    {
        Description = "A public release key (*.pub.pem) you trust. Repeat it for several.",
        HelpName = "file",
        Required = true,
    };

    private static readonly Option<string?> Statement = new("--statement")
    {
        Description = "Verify this statement instead of the server's; no server is asked.",
        HelpName = "file",
    };

    private static readonly Option<string?> Image = new("--file") { Description = "Also check that this is the image.", HelpName = "file" };

    public static Command Command { get; } = new Verb(
        "verify", "Check here that a release was signed by a key you trust. Exit code 1 when it was not.", RunAsync)
    {
        Product,
        Version,
        ReleaseKeys,
        Image,
        Statement,
        Hardware,
        Kind,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var keys = call.Get(ReleaseKeys)!.Select(KeyFiles.OpenPublic).ToArray();
        await using var image = call.Get(Image) is { } file ? LocalFile.Open(file) : null;
        var compact = await CompactAsync(call, cancellation);
        if (ReleaseStatement.Verify(compact, keys, out var reason) is not { } verified)
            throw FailureException.NotVerified($"NOT verified: {reason.Replace("the product's release keys", "the keys given", StringComparison.Ordinal)}");
        var statement = verified.Statement;
        if (Mismatch(call, statement) is { } mismatch)
            throw FailureException.NotVerified($"NOT verified: the statement is for {mismatch}.");
        if (image is not null && await StatementFile.DifferenceAsync(image, statement.Image, cancellation) is { } difference)
            throw FailureException.NotVerified($"NOT verified: {call.Get(Image)} {difference}");

        var result = new VerifiedResult(
            statement.Product, statement.Version, statement.Kind, statement.Hardware, verified.Hash, verified.Signer.Id,
            statement.Image.Sha256, statement.Image.Size, image is null ? null : true);
        call.Screen.Show(result, screen =>
        {
            screen.Line(
                new Cell("Verified", Tone.Good), $": {statement.Product} {statement.Version} was signed by {verified.Signer.Id}",
                image is null ? "." : $", and {call.Get(Image)} is its image.");
            screen.Facts(("Statement", verified.Hash), ("SHA-256", statement.Image.Sha256));
        });
    }

    private static async Task<string> CompactAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(Statement) is { } file)
            return LocalFile.Text(file).Trim();
        var path = ReleaseCalls.PathOf(
            call.Get(Product), call.Get(Version), ReleaseCall.Statement, call.Get(Hardware), call.Get(Kind));
        return await call.Api.GetJoseAsync(path, Jws.MaximumLength, cancellation);
    }

    private static string? Mismatch(Call call, ReleaseStatement statement)
    {
        if (StatementFile.Names(statement, call.Get(Product), call.Get(Version)) is { } other)
            return other;
        if (call.Get(Hardware) is { } hardware && !statement.Hardware.Contains(hardware, StringComparer.Ordinal))
            return string.Join(", ", statement.Hardware);
        return call.Get(Kind) is { } kind && kind != statement.Kind ? $"kind {statement.Kind}" : null;
    }
}
