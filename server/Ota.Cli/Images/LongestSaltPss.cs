using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;

namespace Ota.Cli.Images;

/// <summary>
/// RSASSA-PSS over SHA-256 with the longest salt that fits (RFC 8017 §8.1 and §9.1.1). The ESP32's updater verifies that and nothing shorter;
/// what .NET signs has a salt as long as the hash.
/// </summary>
internal static class LongestSaltPss
{
    private const int HashSize = SHA256.HashSizeInBytes;
    private const byte Trailer = 0xBC;

    /// <param name="key">A private key whose modulus is whole bytes.</param>
    /// <param name="hash">SHA-256 of what is signed.</param>
    public static byte[] Sign(RSA key, byte[] hash)
    {
        var size = key.KeySize / 8;
        var salt = RandomNumberGenerator.GetBytes(size - HashSize - 2);
        var (digest, masked) = Encode(hash, salt, size);
        byte[] message = [.. masked, .. digest, Trailer];

        var secret = key.ExportParameters(includePrivateParameters: true);
        try
        {
            var modulus = Number(secret.Modulus!);
            var encoded = Number(message);
            var signature = BigInteger.ModPow(encoded, Number(secret.D!), modulus);
            // A fault in the arithmetic could give the key away.
            return BigInteger.ModPow(signature, Number(secret.Exponent!), modulus) == encoded
                ? Bytes(signature, size)
                : throw new CryptographicException("The signature does not verify.");
        }
        finally
        {
            CryptographicOperations.ZeroMemory(secret.D);
        }
    }

    private static (byte[] Digest, byte[] Masked) Encode(byte[] hash, byte[] salt, int size)
    {
        var digest = SHA256.HashData([.. new byte[8], .. hash, .. salt]);
        byte[] block = [0x01, .. salt];
        var mask = Mask(digest, size - HashSize - 1);
        for (var i = 0; i < block.Length; i++)
            block[i] ^= mask[i];
        // One bit less than the modulus has.
        block[0] &= 0x7F;
        return (digest, block);
    }

    // MGF1, RFC 8017 §B.2.1.
    private static byte[] Mask(byte[] seed, int length)
    {
        var mask = new List<byte>(length + HashSize);
        var counter = new byte[4];
        for (var i = 0; mask.Count < length; i++)
        {
            BinaryPrimitives.WriteInt32BigEndian(counter, i);
            mask.AddRange(SHA256.HashData([.. seed, .. counter]));
        }

        return [.. mask.Take(length)];
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Bytes(BigInteger number, int size)
    {
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[size - bytes.Length], .. bytes];
    }
}
