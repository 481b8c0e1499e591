using System.Globalization;
using System.Text;

namespace Ota.Cli.Output;

internal enum Tone { Plain, Strong, Dim, Good, Busy, Bad }

/// <summary>
/// A piece of text for a person. Whatever it was made from, it holds one line and no control characters, so nothing a device or a
/// colleague typed can move the cursor, forge a line or turn text around.
/// </summary>
internal readonly record struct Cell
{
    public Cell(string? text, Tone tone = Tone.Plain)
    {
        Text = Clean(text);
        Tone = tone;
    }

    public string Text { get; }

    public Tone Tone { get; }

    public static implicit operator Cell(string? text) => new(text);

    public static implicit operator Cell(int number) => new(number.ToString(CultureInfo.InvariantCulture));

    public static implicit operator Cell(long? number) => new(number?.ToString(CultureInfo.InvariantCulture));

    /// <summary>A deployment's or device's state in its colour.</summary>
    public static Cell State(string? state) => new(state, state switch
    {
        "confirmed" or "completed" or "enrolled" or "accepted" => Tone.Good,
        "refused" or "shut-out" or "reverted" or "failed" or "expired" or "stopped" or "not-returned" => Tone.Bad,
        "cancelled" or "superseded" or "withdrawn" or "aborted" or "returned" or "decommissioned" => Tone.Dim,
        null => Tone.Plain,
        _ => Tone.Busy,
    });

    /// <summary>Line breaks become spaces; every other control, format or surrogate character becomes U+FFFD.</summary>
    public static string Clean(string? text)
    {
        if (string.IsNullOrEmpty(text))
            return "";
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value is '\n' or '\r' or '\t')
                clean.Append(' ');
            else
                clean.Append((Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator ? Rune.ReplacementChar : rune).ToString());
        }

        return clean.ToString();
    }
}
