namespace Ota.Server.Devices;

/// <summary>What is kept of a text that is too long. Half a character, at the cut, PostgreSQL would refuse.</summary>
internal static class ShortText
{
    /// <summary>Its start, of at most so many UTF-16 units.</summary>
    public static string Start(string text, int most) =>
        text.Length <= most ? text : text[..(char.IsHighSurrogate(text[most - 1]) ? most - 1 : most)];

    /// <summary>Its end, of at most so many UTF-16 units.</summary>
    public static string End(string text, int most) =>
        text.Length <= most ? text : text[^(char.IsLowSurrogate(text[^most]) ? most - 1 : most)..];
}
