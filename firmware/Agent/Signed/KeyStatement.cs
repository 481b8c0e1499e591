using System.Collections;

namespace Ota.Agent;

/// <summary>The whole set of keys a device is to trust from now on (docs/protocol.md §1.2).</summary>
internal sealed class KeyStatement
{
    public string Product;
    public int Counter;
    public RsaKey[] Keys;

    /// <summary>Reads the statement; accepting its keys costs ten Montgomery products each, once.</summary>
    /// <exception cref="JsonRefusedException">A member is missing, of another kind or out of bounds.</exception>
    public static KeyStatement Read(byte[] payload)
    {
        var json = JsonReader.ReadObject(payload, payload.Length);
        var stated = json.Array("keys", 1, TrustedKeys.Most);
        var statement = new KeyStatement
        {
            Product = json.Text("product"),
            Counter = (int)json.Number("counter", 1, int.MaxValue),
            Keys = new RsaKey[stated.Count],
        };
        for (var i = 0; i < stated.Count; i++)
            statement.Keys[i] = KeyOf(stated[i] as JsonObject);
        return statement;
    }

    private static RsaKey KeyOf(JsonObject stated)
    {
        var modulus = stated != null && stated.Text("e") == "AQAB" ? Base64Url.Decode(stated.Text("n")) : null;
        var key = modulus == null ? null : RsaKey.FromModulus(modulus);
        if (key == null)
            throw new JsonRefusedException("a key is no RSA-3072 key");
        return key;
    }
}
