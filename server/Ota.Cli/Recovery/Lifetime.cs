using System.Globalization;

namespace Ota.Cli.Recovery;

/// <summary>How long something stays armed, as a person writes it: <c>14d</c>, <c>36h</c>, <c>90m</c>.</summary>
internal static class Lifetime
{
    /// <summary>Seconds, or null when nothing was given.</summary>
    public static long? Seconds(string? text)
    {
        if (text is null)
            return null;
        var unit = text.Length < 2 ? 0 : text[^1] switch { 'm' => 60, 'h' => 3600, 'd' => 24 * 3600, _ => 0 };
        return unit > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? (long)count * unit
            : throw FailureException.Usage($"'{text}' is no time; write 14d, 36h or 90m.");
    }
}
