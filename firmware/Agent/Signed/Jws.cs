using System.Text;

namespace Ota.Agent;

/// <summary>
/// A compact JWS (RFC 7515 §7.1) taken apart. Its header named exactly the algorithm and the type that were expected;
/// whether the signature is good is a question for whoever holds the key.
/// </summary>
internal sealed class Jws
{
    /// <summary>Characters of the longest one that is read.</summary>
    public const int Longest = 16 * 1024;

    private Jws(byte[] signingInput, byte[] payload, byte[] signature)
    {
        SigningInput = signingInput;
        Payload = payload;
        Signature = signature;
    }

    /// <summary>The ASCII bytes that are signed: header, dot, payload, as they came.</summary>
    public byte[] SigningInput { get; }

    /// <summary>UTF-8 JSON.</summary>
    public byte[] Payload { get; }

    public byte[] Signature { get; }

    /// <summary>
    /// Null when it is not a compact JWS, or its header names another algorithm or type, or has <c>crit</c>.
    /// </summary>
    public static Jws Read(string compact, string algorithm, string type)
    {
        if (compact == null || compact.Length > Longest)
            return null;
        var first = compact.IndexOf('.');
        var second = first < 0 ? -1 : compact.IndexOf('.', first + 1);
        if (first <= 0 || second <= first + 1 || second == compact.Length - 1)
            return null;

        // A third dot is no base64url character, so it is refused with the signature.
        var header = Base64Url.Decode(compact, 0, first);
        var payload = Base64Url.Decode(compact, first + 1, second - first - 1);
        var signature = Base64Url.Decode(compact, second + 1, compact.Length - second - 1);
        if (header == null || payload == null || signature == null || !HeaderFits(header, algorithm, type))
            return null;
        return new Jws(Encoding.UTF8.GetBytes(compact.Substring(0, second)), payload, signature);
    }

    private static bool HeaderFits(byte[] header, string algorithm, string type)
    {
        try
        {
            var read = JsonReader.ReadObject(header, header.Length);
            return read.Text("alg") == algorithm && read.Text("typ") == type && !read.Has("crit");
        }
        catch (JsonRefusedException)
        {
            return false;
        }
    }
}
