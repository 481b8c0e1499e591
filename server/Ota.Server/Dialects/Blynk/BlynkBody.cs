using System.Text;
using System.Text.Unicode;

namespace Ota.Server.Dialects.Blynk;

/// <summary>
/// A body is fields with a zero byte between them. A pin keeps its fields as one text, with U+001F between them: PostgreSQL keeps no zero, and a
/// value of one field is then what every other client reads.
/// </summary>
internal static class BlynkBody
{
    /// <summary>Between the values that were written to a pin at once.</summary>
    public const char Separator = '\u001f';

    /// <summary>The fields, or the first so many of them, the last of these with all that follows.</summary>
    public static string[] Fields(ReadOnlySpan<byte> body, int most = int.MaxValue) => Text(body).Split('\0', most);

    /// <summary>Values of a write as a pin keeps them.</summary>
    public static string Kept(string values) => values.Replace('\0', Separator);

    /// <summary>The values that a pin keeps.</summary>
    public static string[] Values(string kept) => kept.Split(Separator);

    /// <summary>A write to a pin, as it is told to a sketch.</summary>
    public static byte[] Write(int number, string kept) => Encoding.UTF8.GetBytes($"vw\0{number}\0{kept.Replace(Separator, '\0')}");

    // A sketch with a degree sign from another time than UTF-8's, or the JavaScript client, which sends a byte a letter.
    private static string Text(ReadOnlySpan<byte> body) => Utf8.IsValid(body) ? Encoding.UTF8.GetString(body) : Encoding.Latin1.GetString(body);
}
