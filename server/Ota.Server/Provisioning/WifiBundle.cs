using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Signing;

namespace Ota.Server.Provisioning;

/// <summary>
/// A network for one unit alone, that nobody but it can read (docs/protocol.md §6): HMAC-SHA256 is what every unit has, so it is the cipher
/// too, in counter mode, and the JWS around it authenticates what was sealed.
/// </summary>
internal static class WifiBundle
{
    private const int NonceSize = 12;
    private const int BlockSize = 32;

    /// <summary>
    /// The longest that a unit reads, in characters: its console takes lines of 1024 bytes, of which <c>provision</c>, <c>bundle</c> and two tabs
    /// are 17.
    /// </summary>
    public const int Longest = 1024 - 17;

    /// <summary>A compact JWS.</summary>
    /// <param name="number">Of the device's sequence of orders, never used before.</param>
    public static string Make(
        string device, long number, WifiNetwork network, string? owner, DateTimeOffset now, DateTimeOffset expires, byte[] orderKey)
    {
        var nonce = RandomNumberGenerator.GetBytes(NonceSize);
        var content = new BundleContent(
            network.Ssid, network.Password.Length > 0 ? network.Password : null, string.IsNullOrEmpty(owner) ? null : owner);
        var text = JsonSerializer.SerializeToUtf8Bytes(content, BundleJson.Short.BundleContent);
        Mask(text, number, nonce, orderKey);
        var body = new BundleBody(
            device, number, now.ToUnixTimeSeconds(), expires.ToUnixTimeSeconds(), Base64Url.EncodeToString(nonce), Base64Url.EncodeToString(text));
        return Jws.SignHs256(JwsKind.Wifi, JsonSerializer.SerializeToUtf8Bytes(body, BundleJson.Default.BundleBody), orderKey);
    }

    private static void Mask(byte[] text, long number, byte[] nonce, byte[] orderKey)
    {
        var key = HMACSHA256.HashData(orderKey, Encoding.ASCII.GetBytes("ota-wifi-v1\0" + number.ToString(CultureInfo.InvariantCulture)));
        byte[] block = [.. nonce, 0];
        for (var at = 0; at < text.Length; at += BlockSize, block[NonceSize]++)
        {
            var stream = HMACSHA256.HashData(key, block);
            for (var i = at; i < Math.Min(at + BlockSize, text.Length); i++)
                text[i] ^= stream[i - at];
        }
    }
}

internal sealed record BundleContent(string Ssid, string? Password, string? Owner);

internal sealed record BundleBody(string Device, long Number, long Issued, long Expires, string Nonce, string Sealed);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BundleContent))]
[JsonSerializable(typeof(BundleBody))]
internal sealed partial class BundleJson : JsonSerializerContext
{
    /// <summary>Letters as they are and not as six signs each: it is read by units, whose lines are short, and by no browser.</summary>
    public static BundleJson Short => Shortest.Json;

    // A class of its own, so that it is made after the generated half of this one.
    private static class Shortest
    {
        public static readonly BundleJson Json = new(new JsonSerializerOptions(Default.GeneratedSerializerOptions!)
        {
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        });
    }
}
