using System.Security.Cryptography;

namespace Ota.Server.Dialects.Mender;

/// <summary>
/// The signature that Mender's client puts under its request for a token: of the whole body, with SHA-256, by RSA (PKCS #1 v1.5) or ECDSA (DER).
/// The runtime has no Ed25519. Pure.
/// </summary>
internal static class MenderSignature
{
    private const int LongestKey = 8 * 1024;
    private const int LongestSignature = 4 * 1024;

    /// <summary>SHA-256 of the public key, lower-case hex, when it made the signature; null else.</summary>
    /// <param name="pem">The public key.</param>
    /// <param name="signature">Base64.</param>
    public static string? SignerOf(string? pem, string? signature, ReadOnlySpan<byte> body)
    {
        if (pem is not { Length: <= LongestKey } || signature is not { Length: <= LongestSignature })
            return null;
        try
        {
            var bytes = Convert.FromBase64String(signature);
            return ByRsa(pem, bytes, body) ?? ByEcdsa(pem, bytes, body);
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static string? ByRsa(string pem, byte[] signature, ReadOnlySpan<byte> body)
    {
        using var key = RSA.Create();
        return Imports(key, pem) && key.KeySize is >= 2048 and <= 8192
            && key.VerifyData(body, signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            ? HashOf(key)
            : null;
    }

    private static string? ByEcdsa(string pem, byte[] signature, ReadOnlySpan<byte> body)
    {
        using var key = ECDsa.Create();
        return Imports(key, pem) && key.VerifyData(body, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)
            ? HashOf(key)
            : null;
    }

    private static bool Imports(AsymmetricAlgorithm key, string pem)
    {
        try
        {
            key.ImportFromPem(pem);
            return true;
        }
        catch (Exception fault) when (fault is CryptographicException or ArgumentException)
        {
            // Of another kind, or none at all.
            return false;
        }
    }

    private static string HashOf(AsymmetricAlgorithm key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()));
}
