using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.Webhooks;

/// <summary>
/// Signs a delivery as Standard Webhooks 1.0 has it (standardwebhooks.com): <c>v1,</c> and the base64 HMAC-SHA256 over
/// <c>id.timestamp.body</c>.
/// </summary>
internal static class WebhookSignature
{
    /// <summary>The secret as a receiver's library takes it.</summary>
    public static string Shown(byte[] secret) => "whsec_" + Convert.ToBase64String(secret);

    /// <param name="timestamp">Unix seconds of this attempt.</param>
    public static string Of(byte[] secret, string id, long timestamp, string body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(
            secret, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.{body}"))));
}
