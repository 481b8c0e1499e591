using System.Buffers.Text;
using System.Security.Cryptography;

namespace Ota.Signing;

/// <summary>A public release key: RSA-3072, e = 65537, as the device's own verifier demands.</summary>
public sealed class ReleaseKey
{
    public const int Bits = 3072;
    private static readonly byte[] RequiredExponent = [1, 0, 1];
    private readonly RSAParameters _parameters;

    private ReleaseKey(RSAParameters parameters)
    {
        _parameters = parameters;
        Id = Convert.ToHexStringLower(SHA256.HashData(parameters.Modulus!))[..16];
    }

    /// <summary>First 16 hex digits of the SHA-256 of the modulus: enough to tell keys apart, in lists and messages.</summary>
    public string Id { get; }

    /// <summary>The modulus, big-endian, 384 bytes.</summary>
    public byte[] Modulus => _parameters.Modulus!;

    /// <summary>SubjectPublicKeyInfo as PEM.</summary>
    public string Pem
    {
        get
        {
            using var rsa = RSA.Create(_parameters);
            return rsa.ExportSubjectPublicKeyInfoPem();
        }
    }

    /// <summary>Reads a PEM public key; null and a sentence when it is not one we accept. A private key is refused, loudly.</summary>
    public static ReleaseKey? FromPem(string pem, out string reason)
    {
        if (pem.Contains("PRIVATE KEY", StringComparison.Ordinal))
        {
            reason = "This is a private key. It must never leave its developer; give the public one (*.pub.pem).";
            return null;
        }

        using var rsa = RSA.Create();
        try
        {
            rsa.ImportFromPem(pem);
        }
        catch (Exception fault) when (fault is ArgumentException or CryptographicException)
        {
            reason = "This is not a PEM public key.";
            return null;
        }

        return From(rsa.ExportParameters(includePrivateParameters: false), out reason);
    }

    /// <summary>The public half of a private key the developer holds.</summary>
    public static ReleaseKey? Of(RSA key, out string reason) =>
        From(key.ExportParameters(includePrivateParameters: false), out reason);

    /// <summary>From a modulus as a key statement carries it; null when it has not 3072 bits or is even.</summary>
    public static ReleaseKey? FromModulus(string base64Url, out string reason)
    {
        if (!Base64Url.IsValid(base64Url))
        {
            reason = "A key's modulus is not base64url.";
            return null;
        }

        return From(new RSAParameters { Modulus = Base64Url.DecodeFromChars(base64Url), Exponent = RequiredExponent }, out reason);
    }

    /// <summary>True when this key signed.</summary>
    public bool Verifies(JwsParts parts)
    {
        using var rsa = RSA.Create(_parameters);
        return Jws.VerifyRs256(parts, rsa);
    }

    private static ReleaseKey? From(RSAParameters parameters, out string reason)
    {
        reason = parameters switch
        {
            { Modulus.Length: not Bits / 8 } => $"A release key has {Bits} bits; this one has {parameters.Modulus!.Length * 8}.",
            { Modulus: [var first, .., var last] } when first < 0x80 || last % 2 == 0 => "The key's modulus is not a 3072-bit RSA modulus.",
            { Exponent: not [1, 0, 1] } => "A release key's exponent is 65537; this one has another.",
            _ => "",
        };
        return reason.Length > 0 ? null : new ReleaseKey(parameters);
    }
}
