using System.Buffers.Text;
using System.CommandLine;
using System.Security.Cryptography;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Signing;

namespace Ota.Cli.Keys;

/// <param name="File">The file that was written or read.</param>
/// <param name="Id">As products list it.</param>
/// <param name="PublicFile">Where the public half was written, by <c>keys new</c>.</param>
/// <param name="Modulus">Base64url, big-endian: what a unit file calls <c>release-key</c>.</param>
internal sealed record KeyFileResult(
    string File, string Id, int Bits, bool Private, bool Encrypted, string? PublicFile, string PublicPem, string Modulus)
{
    public static KeyFileResult Of(string file, ReleaseKey half, bool isPrivate, bool encrypted, string? publicFile = null) => new(
        file, half.Id, ReleaseKey.Bits, isPrivate, encrypted, publicFile, half.Pem, Base64Url.EncodeToString(half.Modulus));
}

/// <summary><c>ota keys new</c></summary>
internal static class NewKey
{
    // OWASP's floor for PBKDF2-HMAC-SHA256 (Password Storage Cheat Sheet, 2023).
    private const int Iterations = 600_000;

    private static readonly Option<string> Out = new("--out")
    {
        Description = "The private key's file, e.g. acme.pem; the public one is written beside it as acme.pub.pem.",
        HelpName = "file",
        Required = true,
    };

    private static readonly Option<bool> Password = new("--password")
    {
        Description = "Encrypt the key; you are asked for the password (or OTA_KEY_PASSWORD is taken).",
    };

    public static Command Command { get; } = new Verb(
        "new",
        "Make a release key (RSA-3072). Back it up: who holds it can publish, and who loses it cannot.",
        RunAsync)
    {
        Out,
        Password,
        KeyPassword.Stdin,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var file = call.Get(Out)!;
        var publicFile = Path.ChangeExtension(file, ".pub.pem");
        if (new[] { file, publicFile }.FirstOrDefault(Path.Exists) is { } taken)
            throw FailureException.Usage($"{taken} exists and a key is never overwritten; choose another --out.");
        if (Path.GetDirectoryName(Path.GetFullPath(file)) is { } folder && !Directory.Exists(folder))
            throw FailureException.Usage($"There is no folder {folder}; make it first.");

        var encrypted = call.Get(Password) || call.Get(KeyPassword.Stdin);
        var password = encrypted ? await KeyPassword.ForNewAsync(call, cancellation) : null;
        using var key = RSA.Create(ReleaseKey.Bits);
        var pem = password is null
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(
                password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, Iterations));
        var half = KeyFiles.PublicHalf(key, file);
        PrivateFile.Create(file, pem + "\n");
        await File.WriteAllTextAsync(publicFile, half.Pem + "\n", cancellation);

        call.Screen.Show(
            KeyFileResult.Of(file, half, isPrivate: true, encrypted, publicFile),
            screen =>
            {
                screen.Line("Release key ", new Cell(half.Id, Tone.Strong), encrypted ? ", encrypted." : ", not encrypted.");
                screen.Facts(
                    ("Private", new Cell(file + "  keep it, back it up, never upload it")),
                    ("Public", new Cell(publicFile + "  for 'ota product add' and for the factory")));
            });
    }
}
