using System.CommandLine;
using Ota.Cli.Output;
using Ota.Cli.Session;

namespace Ota.Cli.Releases;

/// <param name="Id">The statement's hash, the release's id on the server.</param>
internal sealed record SignedResult(
    string Statement, string Id, string Product, string Version, string Kind, IReadOnlyList<string> Hardware, int SecurityCounter,
    string Format, long Size, string Sha256, string SignedBy, string Image);

/// <summary><c>ota sign</c></summary>
internal static class SignRelease
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Version = Arguments.Version();
    private static readonly Argument<string> File = new("file") { Description = "The image." };
    private static readonly StatementOptions Options = new();

    private static readonly Option<string?> Out = new("--out")
    {
        Description = "Where to write the statement; else <file>.statement.jws, or <file>.signed.statement.jws with --device-key.",
        HelpName = "file",
    };

    public static Command Command { get; } = Build();

    private static Verb Build()
    {
        var command = new Verb(
            "sign",
            "Sign a release without a server: writes its statement, for 'ota release push --statement' or the drop folder. "
            + "SOURCE_DATE_EPOCH, if set, is the time it is signed with.",
            RunAsync)
        {
            Product,
            Version,
            File,
            Out,
        };
        Options.AddTo(command);
        return command;
    }

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var file = call.Get(File);
        await using var plain = LocalFile.Open(file);
        var tail = await Options.DeviceSignatureAsync(call, plain, cancellation);
        if (tail.Length > 0)
            file += ".signed";
        await using var image = await SignedFile.WithAsync(plain, tail, kept: file, cancellation);
        var signed = await Options.SignAsync(call, call.Get(Product), call.Get(Version), image, cancellation);
        var target = call.Get(Out) ?? file + ".statement.jws";
        await System.IO.File.WriteAllTextAsync(target, signed.Compact, cancellation);

        var statement = signed.Statement;
        var result = new SignedResult(
            target, signed.Hash, statement.Product, statement.Version, statement.Kind, statement.Hardware, statement.SecurityCounter,
            statement.Image.Format, statement.Image.Size, statement.Image.Sha256, signed.Signer, file);
        call.Screen.Show(result, screen =>
        {
            screen.Line("Signed ", new Cell($"{statement.Product} {statement.Version}", Tone.Strong), $" in {target}.");
            screen.Facts(
                ("Image", $"{file}: {statement.Image.Format}, {statement.Image.Size:N0} bytes"),
                ("SHA-256", statement.Image.Sha256),
                ("Signed by", signed.Signer),
                ("Statement", signed.Hash));
        });
    }
}
