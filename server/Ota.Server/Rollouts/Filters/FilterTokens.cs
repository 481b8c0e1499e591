using System.Globalization;
using System.Text;

namespace Ota.Server.Rollouts.Filters;

internal enum FilterTokenKind
{
    /// <summary>A keyword, a field or a value without quotes.</summary>
    Word,

    /// <summary>A value in quotes.</summary>
    Quoted,

    Comparison,
    Open,
    Close,
    Comma,
    End,
}

/// <param name="Text">What it says; of a value in quotes without them and with its escapes resolved.</param>
internal readonly record struct FilterToken(FilterTokenKind Kind, int Position, int Length, string Text)
{
    public bool Is(string keyword) =>
        Kind == FilterTokenKind.Word && Text.Equals(keyword, StringComparison.OrdinalIgnoreCase);
}

/// <summary>Takes a filter's text apart, from left to right, once.</summary>
internal sealed class FilterTokens(string source)
{
    private const string ComparisonCharacters = "=!<>~&|≤≥≠";

    private const int LongestShown = 40;

    private static readonly string[] Comparisons = ["=", "!=", "<", "<=", ">", ">=", "~"];

    private static readonly Dictionary<string, string> Misspelled = new(StringComparer.Ordinal)
    {
        ["=="] = "=", ["==="] = "=", ["<>"] = "!=", ["!=="] = "!=", ["≠"] = "!=", ["=<"] = "<=", ["≤"] = "<=",
        ["=>"] = ">=", ["≥"] = ">=",
        ["=~"] = "~", ["~="] = "~", ["!~"] = "not group ~ kit*", ["&"] = "and", ["&&"] = "and", ["|"] = "or",
        ["||"] = "or", ["!"] = "not",
    };

    private readonly List<FilterToken> _tokens = [];
    private int _at;
    private FilterFault? _fault;

    /// <summary>
    /// The tokens, the last of which is the end; null and a fault when there is something else in it.
    /// </summary>
    public static List<FilterToken>? Read(string source, out FilterFault? fault)
    {
        var tokens = new FilterTokens(source);
        while (tokens._fault is null && tokens.Next())
        {
        }

        fault = tokens._fault;
        return fault is null ? tokens._tokens : null;
    }

    /// <summary>Whether a value can stand without quotes, keywords apart.</summary>
    public static bool IsBare(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or ':' or '+' or '*' or '-';

    /// <summary>The character, or <c>?</c> for one that would not be seen, or would move what is around it.</summary>
    public static Rune Visible(Rune c) => Rune.GetUnicodeCategory(c) switch
    {
        UnicodeCategory.SpaceSeparator => new Rune(' '),
        UnicodeCategory.Control when Rune.IsWhiteSpace(c) => new Rune(' '),
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse
            or UnicodeCategory.OtherNotAssigned or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator =>
            new Rune('?'),
        _ => c == Rune.ReplacementChar ? new Rune('?') : c,
    };

    /// <summary>What somebody wrote, short enough for a sentence.</summary>
    public static string Shown(string text) =>
        string.Concat(text.EnumerateRunes().Take(LongestShown).Select(Visible))
        + (text.EnumerateRunes().Count() > LongestShown ? "…" : "");

    private bool Next()
    {
        while (_at < source.Length && char.IsWhiteSpace(source[_at]))
            _at++;
        if (_at == source.Length)
        {
            _tokens.Add(new FilterToken(FilterTokenKind.End, _at, 0, ""));
            return false;
        }

        switch (source[_at])
        {
            case '(':
                Add(FilterTokenKind.Open, 1);
                break;
            case ')':
                Add(FilterTokenKind.Close, 1);
                break;
            case ',':
                Add(FilterTokenKind.Comma, 1);
                break;
            case '"' or '\'':
                ReadQuoted();
                break;
            case var c when IsBare(c):
                Add(FilterTokenKind.Word, Run(IsBare));
                break;
            case var c when ComparisonCharacters.Contains(c, StringComparison.Ordinal):
                ReadComparison();
                break;
            case '“' or '”' or '„' or '‘' or '’' or '«' or '»' or '`':
                Fail(_at, 1, "Quotes are straight: \" or '.");
                break;
            default:
                var length = _at + 1 < source.Length && char.IsSurrogatePair(source, _at) ? 2 : 1;
                Fail(_at, length, $"'{Shown(source.Substring(_at, length))}' goes only into a text in quotes.");
                break;
        }

        return true;
    }

    private void ReadComparison()
    {
        var length = Run(c => ComparisonCharacters.Contains(c, StringComparison.Ordinal));
        var text = source.Substring(_at, length);
        if (Comparisons.Contains(text))
            Add(FilterTokenKind.Comparison, length);
        else if (Misspelled.TryGetValue(text, out var meant))
            Fail(_at, length, $"'{text}' is written '{meant}'.");
        else
            Fail(_at, length, $"'{Shown(text)}' is no comparison; there are {string.Join(" ", Comparisons)}.");
    }

    private void ReadQuoted()
    {
        var quote = source[_at];
        var text = new StringBuilder();
        for (var i = _at + 1; i < source.Length; i++)
        {
            var c = source[i];
            if (c == quote)
            {
                var length = i + 1 - _at;
                _tokens.Add(new FilterToken(FilterTokenKind.Quoted, _at, length, text.ToString()));
                _at += length;
                return;
            }

            if (c == '\\')
            {
                if (++i < source.Length && source[i] is not ('\\' or '"' or '\''))
                {
                    Fail(
                        i - 1, 2, "In quotes a \\ stands only before another one or before a quote: \\\\, \\\" or \\'.");
                    return;
                }

                if (i < source.Length)
                    text.Append(source[i]);
            }
            else if (i + 1 < source.Length && char.IsSurrogatePair(source, i))
            {
                text.Append(source, i++, 2);
            }
            else if (char.IsControl(c) || char.IsSurrogate(c))
            {
                // Databases do not agree on what a zero or half a character in a text is.
                Fail(i, 1, "A text holds no control characters and no half ones.");
                return;
            }
            else
            {
                text.Append(c);
            }
        }

        Fail(_at, source.Length - _at, $"This quote is not closed: the text ends with another {quote}.");
    }

    private int Run(Func<char, bool> belongs)
    {
        var end = _at;
        while (end < source.Length && belongs(source[end]))
            end++;
        return end - _at;
    }

    private void Add(FilterTokenKind kind, int length)
    {
        _tokens.Add(new FilterToken(kind, _at, length, source.Substring(_at, length)));
        _at += length;
    }

    private void Fail(int position, int length, string sentence) =>
        _fault = new FilterFault(position, length, sentence);
}
