using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.Devices;

/// <summary>
/// The token of a client that speaks Blynk: 32 characters of base64url, as its sketch holds them. The device's id (60 bits) comes first, so that
/// the token alone finds the device, then 128 bits of what is derived from the master secret.
/// </summary>
internal static class BlynkToken
{
    private const int Length = 32;
    private const int IdSize = 8;
    private const int Size = 24;
    private const int IdLength = 12;

    public static string Of(string device, ReadOnlySpan<byte> secret)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var id = 0UL;
        foreach (var letter in device)
            id = id << 5 | (uint)EnrollmentEndpoint.Alphabet.IndexOf(letter, StringComparison.Ordinal);
        BinaryPrimitives.WriteUInt64BigEndian(bytes, id);
        secret[..(Size - IdSize)].CopyTo(bytes[IdSize..]);
        return Base64Url.EncodeToString(bytes);
    }

    /// <summary>Whose token this says that it is; null when it is none.</summary>
    public static string? DeviceOf(ReadOnlySpan<char> token)
    {
        Span<byte> bytes = stackalloc byte[Size];
        if (!TryRead(token, bytes))
            return null;
        var id = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        return id >> (5 * IdLength) != 0
            ? null
            : string.Create(IdLength, id, static (letters, id) =>
            {
                for (var i = IdLength - 1; i >= 0; i--, id >>= 5)
                    letters[i] = EnrollmentEndpoint.Alphabet[(int)(id & 31)];
            });
    }

    /// <summary>True when the token holds this secret; constant time.</summary>
    public static bool Holds(ReadOnlySpan<char> token, ReadOnlySpan<byte> secret)
    {
        Span<byte> bytes = stackalloc byte[Size];
        return TryRead(token, bytes) && CryptographicOperations.FixedTimeEquals(bytes[IdSize..], secret[..(Size - IdSize)]);
    }

    // White space in between would be read over.
    private static bool TryRead(ReadOnlySpan<char> token, Span<byte> bytes) =>
        token.Length == Length && Ascii.IsValid(token) && !token.ContainsAny(" \t\r\n\0")
        && Base64Url.DecodeFromChars(token, bytes, out _, out var written) == OperationStatus.Done && written == Size;
}
