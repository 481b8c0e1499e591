using System.Numerics;
using System.Security.Cryptography;
using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Crypto;

/// <summary>
/// Edge cases of PKCS #1 v1.5 verification in the manner of Project Wycheproof, made with the test key's private half:
/// each encoding below is a valid RSA operation over something that a lenient verifier has been known to accept.
/// </summary>
public sealed class RsaKeyTests
{
    private const int Size = 384;
    private static readonly byte[] Message = "the statement"u8.ToArray();
    private static readonly byte[] Digest = SHA256.HashData(Message);
    private static readonly byte[] Prefix = Convert.FromHexString("3031300d060960864801650304020105000420");
    private static readonly RSAParameters Private = Vectors.ReleaseKey.ExportParameters(includePrivateParameters: true);
    private static readonly RsaKey Key = RsaKey.FromModulus(Private.Modulus)!;

    public static TheoryData<string> Forgeries => [.. Encodings.Keys];

    private static Dictionary<string, byte[]> Encodings { get; } = new()
    {
        ["first byte not zero"] = Padded(Prefix, Digest, first: 1),
        ["block type 00"] = Padded(Prefix, Digest, type: 0),
        ["block type 02"] = Padded(Prefix, Digest, type: 2),
        ["a padding byte that is not FF"] = Altered(Padded(Prefix, Digest), 100, 0xfe),
        ["a zero in the padding"] = Altered(Padded(Prefix, Digest), 9, 0),
        ["no separator"] = Altered(Padded(Prefix, Digest), Size - 52, 0xff),
        ["one byte of padding, garbage behind the digest"] = Forged(1),
        ["eight bytes of padding, garbage behind the digest"] = Forged(8),
        ["one byte of garbage behind the digest"] = Padded(Prefix, [.. Digest, 0]),
        ["garbage inside the parameters"] = Padded(Hex("3033300f0609608648016503040201050200000420"), Digest),
        ["NULL missing"] = Padded(Hex("302f300b06096086480165030402010420"), Digest),
        ["BER long form of the outer length"] = Padded(Hex("308131300d060960864801650304020105000420"), Digest),
        ["BER long form of the digest's length"] = Padded(Hex("3032300d06096086480165030402010500048120"), Digest),
        ["BER indefinite length"] = Padded(Hex("3080300d060960864801650304020105000420"), [.. Digest, 0, 0]),
        ["OID of SHA-1 over the SHA-256 digest"] = Padded(Hex("302d300906052b0e03021a05000420"), Digest),
        ["OID of SHA-384 over the SHA-256 digest"] = Padded(Hex("3031300d060960864801650304020205000420"), Digest),
        ["OID of SHA-512 over the SHA-256 digest"] = Padded(Hex("3031300d060960864801650304020305000420"), Digest),
        ["the bare digest without DigestInfo"] = Padded([], Digest),
        ["the digest of something else"] = Padded(Prefix, SHA256.HashData("something else"u8)),
        ["a digest that is cut short"] = Padded(Prefix, Digest[..31]),
        ["the digest at the front"] = [.. Padded([], [])[..(Size - 51 - 3)], 0, .. Prefix, .. Digest, 0xff, 0xff],
    };

    [Fact]
    public void A_right_signature_verifies() => Assert.True(Key.Verifies(Digest, Signature()));

    [Fact]
    public void What_was_stored_verifies_as_what_was_accepted()
    {
        var stored = new byte[2 * Size];
        Key.CopyTo(stored, 0);

        Assert.True(RsaKey.Stored(stored, 0).Verifies(Digest, Signature()));
    }

    [Theory]
    [MemberData(nameof(Forgeries))]
    public void A_private_operation_over_another_encoding_is_refused(string forgery)
    {
        var encoded = Encodings[forgery];
        Assert.Equal(Size, encoded.Length);

        Assert.False(Key.Verifies(Digest, PrivateOperation(encoded)));
    }

    [Fact]
    public void The_forger_of_these_cases_makes_right_signatures_from_right_encodings() =>
        Assert.Equal(Signature(), PrivateOperation(Padded(Prefix, Digest)));

    [Fact]
    public void Any_flipped_bit_is_refused()
    {
        for (var bit = 0; bit < Size * 8; bit += 7)
        {
            var signature = Signature();
            signature[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.False(Key.Verifies(Digest, signature));
        }
    }

    [Fact]
    public void A_signature_of_another_length_is_refused()
    {
        Assert.False(Key.Verifies(Digest, []));
        Assert.False(Key.Verifies(Digest, Signature()[1..]));
        Assert.False(Key.Verifies(Digest, [0, .. Signature()]));
        Assert.False(Key.Verifies(Digest, [.. Signature(), 0]));
        Assert.False(Key.Verifies(Digest, new byte[2 * Size]));
    }

    [Fact]
    public void A_signature_with_a_leading_zero_verifies_at_full_length_and_not_stripped()
    {
        for (var i = 0; ; i++)
        {
            var signature = Signed(BitConverter.GetBytes(i));
            if (signature[0] != 0)
                continue;
            Assert.True(Key.Verifies(SHA256.HashData(BitConverter.GetBytes(i)), signature));
            Assert.False(Key.Verifies(SHA256.HashData(BitConverter.GetBytes(i)), signature[1..]));
            return;
        }
    }

    [Fact]
    public void A_signature_that_is_not_reduced_is_refused()
    {
        var n = Number(Private.Modulus!);
        var most = BigInteger.One << (Size * 8);
        Assert.False(Key.Verifies(Digest, Bytes(n)));
        Assert.False(Key.Verifies(Digest, Bytes(n + 1)));
        Assert.False(Key.Verifies(Digest, Bytes(most - 1)));

        // s + n opens to the same as s. It must still fit 384 bytes, so a message is looked for whose s is small
        // enough.
        for (var i = 0; ; i++)
        {
            var message = BitConverter.GetBytes(i);
            var signature = Signed(message);
            if (Number(signature) + n >= most)
                continue;
            Assert.True(Key.Verifies(SHA256.HashData(message), signature));
            Assert.False(Key.Verifies(SHA256.HashData(message), Bytes(Number(signature) + n)));
            return;
        }
    }

    [Fact]
    public void Zero_one_and_minus_one_are_no_signatures()
    {
        var n = Number(Private.Modulus!);
        Assert.False(Key.Verifies(Digest, Bytes(BigInteger.Zero)));
        Assert.False(Key.Verifies(Digest, Bytes(BigInteger.One)));
        Assert.False(Key.Verifies(Digest, Bytes(n - 1)));
        Assert.False(Key.Verifies(Digest, Bytes(n - Number(Signature()))));
    }

    [Fact]
    public void A_cube_root_forgery_is_refused()
    {
        // Bleichenbacher 2006: for e = 3 the cube root of a right beginning with free garbage behind it was enough.
        var wanted = Number(Forged(8));
        var root = CubeRoot(wanted);
        Assert.Equal(Bytes(wanted)[..40], Bytes(root * root * root)[..40]);

        Assert.False(Key.Verifies(Digest, Bytes(root)));
    }

    [Fact]
    public void Random_keys_and_messages_verify_as_the_platform_verifies_them()
    {
        for (var i = 0; i < 3; i++)
        {
            using var rsa = RSA.Create(3072);
            var key = RsaKey.FromModulus(Vectors.Modulus(rsa))!;
            for (var j = 0; j < 20; j++)
            {
                var message = RandomNumberGenerator.GetBytes(j * 10);
                var signature = rsa.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
                Assert.True(key.Verifies(Sha256.Of(message), signature));
            }
        }
    }

    [Fact]
    public void A_modulus_that_is_even_short_or_long_is_no_key()
    {
        var modulus = Private.Modulus!;
        Assert.Null(RsaKey.FromModulus(modulus[1..]));
        Assert.Null(RsaKey.FromModulus([0, .. modulus]));
        Assert.Null(RsaKey.FromModulus(Altered([.. modulus], 0, 0x7f)));
        Assert.Null(RsaKey.FromModulus(Altered([.. modulus], Size - 1, 0x10)));
    }

    private static byte[] Signature() => Signed(Message);

    private static byte[] Signed(byte[] message) =>
        Vectors.ReleaseKey.SignData(message, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    private static byte[] Hex(string digits) => Convert.FromHexString(digits);

    private static byte[] Padded(byte[] prefix, byte[] digest, byte first = 0, byte type = 1)
    {
        var encoded = new byte[Size];
        Array.Fill(encoded, (byte)0xff);
        encoded[0] = first;
        encoded[1] = type;
        encoded[Size - prefix.Length - digest.Length - 1] = 0;
        prefix.CopyTo(encoded, Size - prefix.Length - digest.Length);
        digest.CopyTo(encoded, Size - digest.Length);
        return encoded;
    }

    private static byte[] Forged(int padding)
    {
        var encoded = new byte[Size];
        encoded[1] = 1;
        Array.Fill(encoded, (byte)0xff, 2, padding);
        Prefix.CopyTo(encoded, 3 + padding);
        Digest.CopyTo(encoded, 3 + padding + Prefix.Length);
        return encoded;
    }

    private static byte[] Altered(byte[] encoded, int at, byte value)
    {
        encoded[at] = value;
        return encoded;
    }

    private static byte[] PrivateOperation(byte[] encoded) =>
        Bytes(BigInteger.ModPow(Number(encoded), Number(Private.D!), Number(Private.Modulus!)));

    private static BigInteger CubeRoot(BigInteger value)
    {
        var low = BigInteger.One;
        var high = BigInteger.One << (Size * 8 / 3 + 1);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (middle * middle * middle < value)
                low = middle + 1;
            else
                high = middle;
        }

        return low;
    }

    private static BigInteger Number(byte[] bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static byte[] Bytes(BigInteger number)
    {
        var bytes = number.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[Size - bytes.Length], .. bytes];
    }
}
