using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.People;

/// <summary>Time-based one-time passwords (RFC 6238) as authenticator apps make them: HMAC-SHA-1, six digits, 30 seconds. Pure.</summary>
internal static class Totp
{
    public const int Seconds = 30;
    public const int Digits = 6;

    /// <summary>Bytes of a secret, as many as the hash has (RFC 4226 §4).</summary>
    public const int SecretSize = 20;

    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

    public static long StepAt(DateTimeOffset now) => now.ToUnixTimeSeconds() / Seconds;

    /// <summary>The code of a step (RFC 4226 §5.3).</summary>
    /// <param name="digits">Up to 8.</param>
#pragma warning disable CA5350 // RFC 6238's usual hash, and the only one that every authenticator app knows; HMAC does not rest on its collisions.
    public static string Code(byte[] secret, long step, int digits = Digits)
    {
        Span<byte> counter = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(counter, step);
        Span<byte> hash = stackalloc byte[20];
        HMACSHA1.HashData(secret, counter, hash);
#pragma warning restore CA5350
        var number = BinaryPrimitives.ReadInt32BigEndian(hash[(hash[^1] & 0xf)..]) & 0x7fffffff;
        return (number % (int)Math.Pow(10, digits)).ToString(new string('0', digits), CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// The step a code is of, among this one, the one before and the one after; null for a wrong code, and for one that was used: no step up
    /// to <paramref name="used"/> counts again.
    /// </summary>
    public static long? Accept(byte[] secret, string code, DateTimeOffset now, long used)
    {
        long? accepted = null;
        for (var step = StepAt(now) - 1; step <= StepAt(now) + 1; step++)
        {
            var same = CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Code(secret, step)), Encoding.UTF8.GetBytes(code));
            if (same && step > used)
                accepted = step;
        }

        return accepted;
    }

    /// <summary>Base 32 without padding (RFC 4648 §6), as people and apps write a secret.</summary>
    public static string Text(ReadOnlySpan<byte> secret)
    {
        var text = new StringBuilder();
        var (bits, held) = (0, 0);
        foreach (var octet in secret)
        {
            bits = (bits << 8) | octet;
            for (held += 8; held >= 5; held -= 5)
                text.Append(Alphabet[(bits >> (held - 5)) & 31]);
            bits &= (1 << held) - 1;
        }

        return held == 0 ? text.ToString() : text.Append(Alphabet[(bits << (5 - held)) & 31]).ToString();
    }

    /// <summary>The secret behind its text; null when it is not one of <see cref="SecretSize"/> bytes.</summary>
    public static byte[]? Read(string? text)
    {
        if (text is not { Length: SecretSize * 8 / 5 })
            return null;
        var secret = new List<byte>(SecretSize);
        var (bits, held) = (0, 0);
        foreach (var letter in text)
        {
            var value = Alphabet.IndexOf(letter, StringComparison.Ordinal);
            if (value < 0)
                return null;
            (bits, held) = ((bits << 5) | value, held + 5);
            if (held >= 8)
            {
                secret.Add((byte)(bits >> (held -= 8)));
                bits &= (1 << held) - 1;
            }
        }

        return [.. secret];
    }

    /// <summary>What an authenticator app takes, as a QR code.</summary>
    public static string Address(string name, byte[] secret) =>
        $"otpauth://totp/Ota:{Uri.EscapeDataString(name)}?secret={Text(secret)}&issuer=Ota";
}
