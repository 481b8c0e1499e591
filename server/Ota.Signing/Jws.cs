using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Ota.Signing;

/// <summary>The kinds of signed things; each has one algorithm and one type, and is never read as another.</summary>
public sealed record JwsKind(string Algorithm, string Type)
{
    public static readonly JwsKind Release = new("RS256", "ota-release+jws");
    public static readonly JwsKind Keys = new("RS256", "ota-keys+jws");
    public static readonly JwsKind Order = new("HS256", "ota-order+jws");
    public static readonly JwsKind Session = new("HS256", "JWT");
    public static readonly JwsKind Wifi = new("HS256", "ota-wifi+jws");
}

/// <summary>A compact JWS taken apart (RFC 7515 §7.1), its header already checked, its signature not.</summary>
/// <param name="SigningInput">The ASCII bytes the signature covers: header, dot, payload, as they came.</param>
/// <param name="Payload">The decoded payload, UTF-8 JSON.</param>
/// <param name="Signature">The decoded signature.</param>
public sealed record JwsParts(byte[] SigningInput, byte[] Payload, byte[] Signature);

/// <summary>Compact JWS, just the two algorithms of the protocol (docs/protocol.md §1).</summary>
public static class Jws
{
    /// <summary>The longest compact JWS that is read, in characters.</summary>
    public const int MaximumLength = 16 * 1024;

    /// <summary>The latest time that a signed thing may state, in Unix seconds: the end of the year 9999.</summary>
    public const long LatestTime = 253402300799;

    // RFC 7515 §4: two readers of a member that is there twice could each read another one.
    private static readonly JsonDocumentOptions EachOnce = new() { AllowDuplicateProperties = false };

    /// <summary>Signs a payload with an RSA key, PKCS #1 v1.5 and SHA-256 (RFC 7518 §3.3).</summary>
    public static string SignRs256(JwsKind kind, byte[] payload, RSA key)
    {
        var input = SigningInput(kind, payload);
        var signature = key.SignData(Encoding.ASCII.GetBytes(input), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return input + "." + Base64Url.EncodeToString(signature);
    }

    /// <summary>Authenticates a payload with a shared key (RFC 7518 §3.2).</summary>
    public static string SignHs256(JwsKind kind, byte[] payload, byte[] key)
    {
        var input = SigningInput(kind, payload);
        return input + "." + Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(input)));
    }

    /// <summary>
    /// Takes a compact JWS apart and demands the header of <paramref name="kind"/>; null and a reason when it is not one.
    /// Says nothing about who signed it.
    /// </summary>
    public static JwsParts? Read(JwsKind kind, string compact, out string reason)
    {
        if (compact.Length > MaximumLength)
        {
            reason = $"it is longer than {MaximumLength} characters";
            return null;
        }

        var parts = compact.Split('.');
        if (parts.Length != 3)
        {
            reason = "it is not a compact JWS of three parts";
            return null;
        }

        if (Decode(parts[0]) is not { } header || Decode(parts[1]) is not { } payload || Decode(parts[2]) is not { } signature)
        {
            reason = "one of its parts is not base64url";
            return null;
        }

        if (!Utf8.IsValid(header) || !Utf8.IsValid(payload))
        {
            reason = "its header or payload is not UTF-8";
            return null;
        }

        reason = HeaderFault(kind, header) ?? PayloadFault(payload) ?? "";
        return reason.Length > 0
            ? null
            : new JwsParts(Encoding.ASCII.GetBytes(parts[0] + "." + parts[1]), payload, signature);
    }

    /// <summary>True when <paramref name="key"/> made the signature.</summary>
    public static bool VerifyRs256(JwsParts parts, RSA key) =>
        key.VerifyData(parts.SigningInput, parts.Signature, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);

    /// <summary>True when the shared key made the authentication code; compared in constant time.</summary>
    public static bool VerifyHs256(JwsParts parts, byte[] key) =>
        CryptographicOperations.FixedTimeEquals(HMACSHA256.HashData(key, parts.SigningInput), parts.Signature);

    /// <summary>Lower-case hex SHA-256 of the compact form: how a statement is named everywhere.</summary>
    public static string HashOf(string compact) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(compact)));

    private static string SigningInput(JwsKind kind, byte[] payload)
    {
        var header = $$"""{"alg":"{{kind.Algorithm}}","typ":"{{kind.Type}}"}""";
        return Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header)) + "." + Base64Url.EncodeToString(payload);
    }

    private static byte[]? Decode(string part)
    {
        // Padding and white space are tolerated by the decoder and forbidden by RFC 7515 §2: in the signature, either
        // would give a signed thing a second hash.
        if (part.Length == 0 || part.Any(c => c == '=' || char.IsWhiteSpace(c)) || !Base64Url.IsValid(part))
            return null;
        return Base64Url.DecodeFromChars(part);
    }

    private static string? HeaderFault(JwsKind kind, byte[] header)
    {
        try
        {
            using var document = JsonDocument.Parse(header, EachOnce);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                return "its header is not a JSON object";
            var algorithm = Text(root, "alg");
            if (algorithm != kind.Algorithm)
                return $"its algorithm is '{Shown(algorithm)}', not {kind.Algorithm}";
            var type = Text(root, "typ");
            if (type != kind.Type)
                return $"its type is '{Shown(type)}', not {kind.Type}";
            return root.TryGetProperty("crit", out _) ? "its header has critical extensions" : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // The latter is what it throws for half a surrogate pair, once that is looked at.
            return "its header is not JSON, or names a member twice";
        }
    }

    // Whatever it says: what a device's strict reader would refuse is refused here, where someone can mend it.
    private static string? PayloadFault(byte[] payload)
    {
        try
        {
            using var document = JsonDocument.Parse(payload, EachOnce);
            return null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            return "its payload is not JSON, or names a member twice";
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static string Shown(string? value) => value is null ? "missing" : Names.Shown(value);
}
