using System.Buffers.Text;
using System.CommandLine;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Signing;

namespace Ota.Cli.Keys;

/// <summary><c>ota keys show</c></summary>
internal static class ShowKey
{
    private static readonly Argument<string> KeyFile = new("file") { Description = "A private or public release key (PEM)." };

    public static Command Command { get; } = new Verb("show", "Show a release key's id and its public half, also as a device's unit file wants it.", RunAsync)
    {
        KeyFile,
        KeyPassword.Stdin,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var file = call.Get(KeyFile);
        var pem = LocalFile.Text(file);
        var isPrivate = KeyFiles.IsPrivate(pem);
        var half = isPrivate ? await PublicHalfAsync(call, file, cancellation) : KeyFiles.OpenPublic(file);
        var shown = KeyFileResult.Of(file, half, isPrivate, KeyFiles.IsEncrypted(pem));
        call.Screen.Show(shown, screen =>
        {
            screen.Facts(
                ("Id", new Cell(half.Id, Tone.Strong)),
                ("Kind", $"RSA, {ReleaseKey.Bits} bits, " + (isPrivate ? shown.Encrypted ? "private, encrypted" : "private, not encrypted" : "public")));
            Screen.Verbatim(half.Pem);
            screen.Line();
            screen.Line(new Cell("For a device's unit file:", Tone.Dim));
            Screen.Verbatim("release-key = " + shown.Modulus);
        });
    }

    private static async Task<ReleaseKey> PublicHalfAsync(Call call, string file, CancellationToken cancellation)
    {
        using var key = await KeyFiles.OpenPrivateAsync(call, file, cancellation);
        return KeyFiles.PublicHalf(key, file);
    }
}
