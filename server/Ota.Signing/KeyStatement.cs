using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace Ota.Signing;

/// <summary>One public key in a key statement: base64url modulus and exponent, as in a JWK.</summary>
public sealed record StatedKey(string N, string E);

/// <summary>Replaces the keys a device trusts, signed by one it trusts already (docs/protocol.md §1.2).</summary>
public sealed record KeyStatement(string Product, int Counter, long Created, IReadOnlyList<StatedKey> Keys)
{
    public static KeyStatement Of(string product, int counter, long created, IEnumerable<ReleaseKey> keys) =>
        new(product, counter, created, [.. keys.Select(key => new StatedKey(Base64Url.EncodeToString(key.Modulus), "AQAB"))]);

    public string Sign(RSA key) =>
        Jws.SignRs256(JwsKind.Keys, JsonSerializer.SerializeToUtf8Bytes(this, StatementJson.Default.KeyStatement), key);

    /// <summary>Reads a key statement that one of <paramref name="trusted"/> signed; null and a sentence when it is not.</summary>
    public static KeyStatement? Verify(
        string compact, IReadOnlyList<ReleaseKey> trusted, out IReadOnlyList<ReleaseKey> keys, out string reason)
    {
        keys = [];
        if (Jws.Read(JwsKind.Keys, compact, out reason) is not { } parts)
        {
            reason = "This is not a key statement: " + reason + ".";
            return null;
        }

        if (!trusted.Any(key => key.Verifies(parts)))
        {
            reason = "The key statement's signature fits none of the keys trusted now.";
            return null;
        }

        KeyStatement? statement;
        try
        {
            statement = JsonSerializer.Deserialize(parts.Payload, StatementJson.Default.KeyStatement);
        }
        catch (JsonException fault)
        {
            reason = $"The key statement's JSON cannot be read at '{fault.Path}'.";
            return null;
        }

        if (statement is not { Counter: > 0, Keys.Count: >= 1 and <= 8 } || Names.Fault(statement.Product) is not null)
        {
            reason = "A key statement has a product, a counter above 0 and 1 to 8 keys.";
            return null;
        }

        if (statement.Created is < 0 or > Jws.LatestTime)
        {
            reason = "The key statement's created is not a time in Unix seconds.";
            return null;
        }

        var read = new List<ReleaseKey>();
        foreach (var stated in statement.Keys)
        {
            if (stated is not { N: not null, E: "AQAB" } || ReleaseKey.FromModulus(stated.N, out reason) is not { } key)
            {
                reason = "The key statement holds a key that is not RSA-3072 with exponent 65537.";
                return null;
            }

            if (read.Any(known => known.Id == key.Id))
            {
                reason = $"The key statement holds key {key.Id} twice.";
                return null;
            }

            read.Add(key);
        }

        keys = read;
        return statement;
    }
}
