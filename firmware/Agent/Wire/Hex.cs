namespace Ota.Agent;

/// <summary>Lower-case hex, the only case the protocol has.</summary>
internal static class Hex
{
    private const string Digits = "0123456789abcdef";

    public static string Encode(byte[] data)
    {
        var text = new char[data.Length * 2];
        for (var i = 0; i < data.Length; i++)
        {
            text[2 * i] = Digits[data[i] >> 4];
            text[2 * i + 1] = Digits[data[i] & 15];
        }

        return new string(text);
    }

    /// <summary>True for exactly <paramref name="length"/> digits.</summary>
    public static bool Is(string text, int length)
    {
        if (text == null || text.Length != length)
            return false;
        for (var i = 0; i < length; i++)
        {
            var c = text[i];
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
                return false;
        }

        return true;
    }
}
