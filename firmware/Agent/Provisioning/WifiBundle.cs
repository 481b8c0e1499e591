using System.Text;

namespace Ota.Agent;

/// <summary>
/// A Wi-Fi network for this unit alone, sealed by the server under the unit's order key (docs/protocol.md §6). It has a
/// number of the same sequence as orders and is used up like one, so that yesterday's does not bring back the network of
/// the owner before.
/// </summary>
internal sealed class WifiBundle
{
    private const int NonceSize = 12;
    private const int LongestSealed = 512;
    private const long HighestNumber = (1L << 53) - 1;

    private WifiBundle(long number, Provisioned content)
    {
        Number = number;
        Content = content;
    }

    public long Number { get; }

    public Provisioned Content { get; }

    /// <summary>Opens a bundle; null, and the step that failed, when it is not for this device, used or damaged.</summary>
    /// <param name="highest">Highest number accepted so far.</param>
    /// <param name="now">
    /// Unix seconds, 0 when the clock was not set: a stranded unit knows no time, and there the number alone decides.
    /// </param>
    public static WifiBundle Open(string compact, Identity identity, long highest, long now, out string fault)
    {
        var jws = Jws.Read(compact, "HS256", "ota-wifi+jws");
        var authentic = jws != null && jws.Signature.Length == 32
            && Mac.Same(Mac.Of(identity.OrderKey, jws.SigningInput), jws.Signature, 0);
        fault = "bundle-signature";
        if (!authentic)
            return null;
        try
        {
            return Read(JsonReader.ReadObject(jws.Payload, jws.Payload.Length), identity, highest, now, out fault);
        }
        catch (JsonRefusedException)
        {
            fault = "bundle-content";
            return null;
        }
    }

    /// <summary>
    /// Seals, and opens again: XOR with HMAC-SHA256(key, nonce | block number) over blocks of 32 bytes, where key is
    /// HMAC-SHA256(order key, <c>ota-wifi-v1</c> | 0 | number).
    /// </summary>
    public static byte[] Seal(byte[] orderKey, long number, byte[] nonce, byte[] text)
    {
        var key = Mac.Of(orderKey, Encoding.UTF8.GetBytes("ota-wifi-v1\0" + number.ToString()));
        var block = new byte[NonceSize + 1];
        for (var i = 0; i < NonceSize; i++)
            block[i] = nonce[i];
        var done = new byte[text.Length];
        byte[] stream = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (i % 32 == 0)
            {
                block[NonceSize] = (byte)(i / 32);
                stream = Mac.Of(key, block);
            }

            done[i] = (byte)(text[i] ^ stream[i % 32]);
        }

        return done;
    }

    private static WifiBundle Read(
        JsonObject json, Identity identity, long highest, long now, out string fault)
    {
        var number = json.Number("number", 1, HighestNumber);
        fault = json.Text("device") != identity.Device ? "bundle-device"
            : number <= highest ? "bundle-used"
            : now > 0 && json.Number("expires", 0, long.MaxValue) <= now ? "bundle-expired"
            : null;
        if (fault != null)
            return null;
        fault = "bundle-content";
        var nonce = Base64Url.Decode(json.Text("nonce"));
        var text = Base64Url.Decode(json.Text("sealed"));
        if (nonce == null || nonce.Length != NonceSize || text == null || text.Length > LongestSealed)
            return null;
        text = Seal(identity.OrderKey, number, nonce, text);
        var inside = JsonReader.ReadObject(text, text.Length);
        var content = new Provisioned
        {
            Network = new Network { Ssid = inside.Text("ssid"), Password = inside.OptionalText("password") ?? "" },
            Owner = inside.OptionalText("owner") ?? "",
        };
        fault = content.Fault();
        return fault == null ? new WifiBundle(number, content) : null;
    }
}
