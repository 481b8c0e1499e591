namespace Ota.Agent;

/// <summary>
/// base64url without padding (RFC 4648 §5), one spelling for each value: stray bits in the last character are refused.
/// </summary>
internal static class Base64Url
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    public static string Encode(byte[] data)
    {
        var text = new char[(data.Length * 4 + 2) / 3];
        var at = 0;
        var bits = 0;
        var held = 0;
        for (var i = 0; i < data.Length; i++)
        {
            held = (held << 8) | data[i];
            for (bits += 8; bits >= 6; bits -= 6)
                text[at++] = Alphabet[(held >> (bits - 6)) & 63];
            held &= 63;
        }

        if (bits > 0)
            text[at] = Alphabet[(held << (6 - bits)) & 63];
        return new string(text);
    }

    /// <summary>The bytes of a part of a text; null when it is not base64url.</summary>
    public static byte[] Decode(string text, int offset, int count)
    {
        if ((count & 3) == 1)
            return null;
        var data = new byte[count * 3 / 4];
        var at = 0;
        var bits = 0;
        var held = 0;
        for (var i = offset; i < offset + count; i++)
        {
            var value = Value(text[i]);
            if (value < 0)
                return null;
            held = (held << 6) | value;
            bits += 6;
            if (bits >= 8)
            {
                bits -= 8;
                data[at++] = (byte)(held >> bits);
                held &= (1 << bits) - 1;
            }
        }

        return held == 0 ? data : null;
    }

    public static byte[] Decode(string text) => Decode(text, 0, text.Length);

    private static int Value(char c)
    {
        if (c >= 'a')
            return c <= 'z' ? c - 'a' + 26 : -1;
        if (c >= 'A')
            return c <= 'Z' ? c - 'A' : c == '_' ? 63 : -1;
        if (c >= '0')
            return c <= '9' ? c - '0' + 52 : -1;
        return c == '-' ? 62 : -1;
    }
}
