using System;

namespace Ota.Agent;

/// <summary>
/// A public RSA-3072 key with exponent 65537, ready to verify: its modulus, and R² mod n (R = 2^3072) computed once
/// when the key is accepted, so that a verification is 18 Montgomery products and nothing else.
/// </summary>
internal sealed class RsaKey
{
    /// <summary>Bytes of a modulus and of a signature.</summary>
    public const int Size = 384;

    private const int Limbs = Size / 4;

    // DER of DigestInfo { sha256, NULL } up to the digest (RFC 8017 §9.2 note 1).
    private static readonly byte[] DigestInfo =
    {
        0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
        0x05, 0x00, 0x04, 0x20,
    };

    private readonly Montgomery _modulus;
    private readonly uint[] _rSquared;

    private RsaKey(Montgomery modulus, uint[] rSquared)
    {
        _modulus = modulus;
        _rSquared = rSquared;
    }

    /// <summary>Accepts a big-endian modulus; null when it is not odd and of exactly 3072 bits.</summary>
    public static RsaKey FromModulus(byte[] modulus)
    {
        if (modulus.Length != Size || (modulus[0] & 0x80) == 0 || (modulus[Size - 1] & 1) == 0)
            return null;
        var n = new Montgomery(ToLimbs(modulus, 0));
        return new RsaKey(n, n.RSquared());
    }

    /// <summary>Reads what <see cref="CopyTo"/> wrote; 768 bytes. The record around it vouches for them.</summary>
    public static RsaKey Stored(byte[] from, int offset) =>
        new RsaKey(new Montgomery(ToLimbs(from, offset)), ToLimbs(from, offset + Size));

    /// <summary>Writes modulus and R², 768 bytes.</summary>
    public void CopyTo(byte[] to, int offset)
    {
        FromLimbs(_modulus.Modulus, to, offset);
        FromLimbs(_rSquared, to, offset + Size);
    }

    /// <summary>
    /// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 §8.2.2): the one encoding that may come out is built and compared byte
    /// for byte; nothing that came out is ever parsed.
    /// </summary>
    /// <param name="digest">SHA-256 of the message, 32 bytes.</param>
    /// <param name="signature">Exactly 384 bytes, else it is refused.</param>
    public bool Verifies(byte[] digest, byte[] signature)
    {
        if (digest.Length != 32 || signature.Length != Size)
            return false;
        var s = ToLimbs(signature, 0);
        if (!_modulus.IsReduced(s))
            return false;

        // x = sR; sixteen squarings give s^65536·R; one product with plain s drops the R.
        var x = _modulus.Multiply(s, _rSquared, new uint[Limbs + 1]);
        var spare = new uint[Limbs + 1];
        for (var i = 0; i < 16; i++)
        {
            var squared = _modulus.Multiply(x, x, spare);
            spare = x;
            x = squared;
        }

        var opened = new byte[Size];
        FromLimbs(_modulus.Multiply(x, s, spare), opened, 0);
        return Mac.Same(Encode(digest), opened, 0);
    }

    private static byte[] Encode(byte[] digest)
    {
        var encoded = new byte[Size];
        encoded[1] = 1;
        var end = Size - DigestInfo.Length - digest.Length;
        for (var i = 2; i < end - 1; i++)
            encoded[i] = 0xff;
        Array.Copy(DigestInfo, 0, encoded, end, DigestInfo.Length);
        Array.Copy(digest, 0, encoded, end + DigestInfo.Length, digest.Length);
        return encoded;
    }

    private static uint[] ToLimbs(byte[] bytes, int offset)
    {
        var limbs = new uint[Limbs];
        for (var i = 0; i < Limbs; i++)
        {
            var at = offset + Size - 4 - 4 * i;
            limbs[i] = ((uint)bytes[at] << 24) | ((uint)bytes[at + 1] << 16)
                | ((uint)bytes[at + 2] << 8) | bytes[at + 3];
        }

        return limbs;
    }

    private static void FromLimbs(uint[] limbs, byte[] bytes, int offset)
    {
        for (var i = 0; i < Limbs; i++)
        {
            var at = offset + Size - 4 - 4 * i;
            var limb = limbs[i];
            bytes[at] = (byte)(limb >> 24);
            bytes[at + 1] = (byte)(limb >> 16);
            bytes[at + 2] = (byte)(limb >> 8);
            bytes[at + 3] = (byte)limb;
        }
    }
}
