using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Signing;

namespace Ota.Agent.Tests.Lab;

/// <summary>A bundle as docs/protocol.md §6 describes it, for the device of the golden files.</summary>
internal static class BundleDraft
{
    public static string Of(long number, string ssid, string? password = null, string? owner = null, long expires = long.MaxValue) =>
        Of(number, JsonSerializer.SerializeToUtf8Bytes(new { ssid, password = password ?? "", owner = owner ?? "" }), expires);

    /// <summary>With any content at all.</summary>
    public static string Of(long number, byte[] content, long expires = long.MaxValue)
    {
        var nonce = RandomNumberGenerator.GetBytes(12);
        var body = new Dictionary<string, object>
        {
            ["device"] = Vectors.Identity.Device,
            ["number"] = number,
            ["issued"] = 1767225600L,
            ["expires"] = expires,
            ["nonce"] = Base64Url.Encode(nonce),
            ["sealed"] = Base64Url.Encode(WifiBundle.Seal(Vectors.Identity.OrderKey, number, nonce, content)),
        };
        return Ota.Signing.Jws.SignHs256(JwsKind.Wifi, JsonSerializer.SerializeToUtf8Bytes(body), Vectors.Identity.OrderKey);
    }

    public static byte[] Json(string text) => Encoding.UTF8.GetBytes(text);
}
