using System.Security.Cryptography;
using Ota.Cli.Session;
using Ota.Signing;

namespace Ota.Cli.Keys;

/// <summary>Release keys in PEM files.</summary>
internal static class KeyFiles
{
    private const string EncryptedLabel = "BEGIN ENCRYPTED PRIVATE KEY";

    /// <summary>Opens a private release key, asking for its password when it is encrypted.</summary>
    public static async Task<RSA> OpenPrivateAsync(Call call, string file, CancellationToken cancellation)
    {
        var pem = LocalFile.Text(file);
        if (!IsPrivate(pem))
        {
            throw FailureException.Usage(pem.Contains("PUBLIC KEY", StringComparison.Ordinal)
                ? $"{file} is a public key; signing needs the private one (without .pub)."
                : $"{file} is not a PEM private key; 'ota keys new' makes one.");
        }

        if (PrivateFile.IsReadableByOthers(file))
            call.Screen.Warn($"other users can read {file}; chmod 600 it.");
        var password = IsEncrypted(pem) ? await KeyPassword.OfAsync(call, file, cancellation) : null;
        return Import(file, pem, password);
    }

    /// <summary>Reads a public release key, as <c>keys new</c> writes it beside the private one.</summary>
    public static ReleaseKey OpenPublic(string file) =>
        ReleaseKey.FromPem(LocalFile.Text(file), out var reason) ?? throw FailureException.Usage($"{file}: {reason}");

    /// <summary>The public half, demanding that the key is one a device accepts.</summary>
    public static ReleaseKey PublicHalf(RSA key, string file) =>
        ReleaseKey.Of(key, out var reason) ?? throw FailureException.Usage($"{file}: {reason}");

    public static bool IsPrivate(string pem) => pem.Contains("PRIVATE KEY-----", StringComparison.Ordinal);

    public static bool IsEncrypted(string pem) => pem.Contains(EncryptedLabel, StringComparison.Ordinal);

    private static RSA Import(string file, string pem, string? password)
    {
        var key = RSA.Create();
        try
        {
            if (password is null)
                key.ImportFromPem(pem);
            else
                key.ImportFromEncryptedPem(pem, password);
            PublicHalf(key, file);
            return key;
        }
        catch (Exception fault) when (fault is ArgumentException or CryptographicException)
        {
            key.Dispose();
            throw FailureException.Usage(password is null
                ? $"{file} cannot be read as an RSA private key in PEM."
                : $"The password does not open {file}.");
        }
        catch (FailureException)
        {
            key.Dispose();
            throw;
        }
    }
}
