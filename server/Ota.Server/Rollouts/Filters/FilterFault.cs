using System.Text;

namespace Ota.Server.Rollouts.Filters;

/// <summary>Why a text is no filter.</summary>
/// <param name="Position">Where, as the number of UTF-16 characters before it.</param>
/// <param name="Length">Of what is wrong; 0 where something is missing.</param>
/// <param name="Sentence">What is wrong and what to do.</param>
internal sealed record FilterFault(int Position, int Length, string Sentence)
{
    private const int Before = 50;
    private const int Width = 100;

    /// <summary>
    /// Two lines for a terminal: the filter, and below it carets under what is wrong. Of a long filter only the part
    /// around it; whatever would move the cursor or forge a line is shown as <c>?</c>.
    /// </summary>
    public string Render(string source)
    {
        var first = source.Length <= Width ? 0 : Math.Clamp(Position - Before, 0, source.Length - Width);
        var last = Math.Min(source.Length, first + Width);
        var text = new StringBuilder(first > 0 ? "…" : "");
        var carets = new StringBuilder(first > 0 ? " " : "");
        foreach (var c in source.AsSpan(first, last - first).EnumerateRunes())
        {
            text.Append(FilterTokens.Visible(c));
            carets.Append(first < Position ? " " : first < Position + Length || first == Position ? "^" : "");
            first += c.Utf16SequenceLength;
        }

        if (Position >= last)
            carets.Append('^');
        return $"{text}{(last < source.Length ? "…" : "")}\n{carets}";
    }
}
