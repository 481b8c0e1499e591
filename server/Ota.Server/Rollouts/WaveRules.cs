using System.Globalization;

namespace Ota.Server.Rollouts;

/// <summary>What of a wave's deployments a rule counts.</summary>
[Flags]
internal enum WaveCount
{
    Confirmed = 1,

    /// <summary>Failed on the device, or given up.</summary>
    Failed = 2,
    Refused = 4,
    Reverted = 8,

    /// <summary>Handed out, and past the deadline neither well nor badly over.</summary>
    Silent = 16,

    /// <summary>Alerts that opened for its devices after they got it.</summary>
    Alerts = 32,
}

/// <summary>So many, or such a share, of a wave's deployments.</summary>
/// <param name="IsShare">Then <paramref name="Limit"/> is in hundredths of a percent.</param>
/// <param name="OrMore">Whether the limit itself is enough.</param>
internal sealed record WaveTerm(string Text, WaveCount Counts, bool OrMore, long Limit, bool IsShare)
{
    /// <summary>Of how many devices a share is at least one; 0 for a number.</summary>
    public long Least => IsShare && Limit > 0 ? (10_000 + Limit - 1) / Limit : 0;

    /// <summary>Exact: without fractions.</summary>
    /// <param name="of">What a share is of; none of none is no share.</param>
    public bool Holds(long count, long of)
    {
        if (!IsShare)
            return OrMore ? count >= Limit : count > Limit;
        return of > 0 && (OrMore ? count * 10_000 >= Limit * of : count * 10_000 > Limit * of);
    }
}

/// <summary>When the next wave opens: <c>confirmed >= 95% and soaked 2h</c>; all of it must hold.</summary>
/// <param name="Soak">Since the wave opened and its last confirmation; zero for at once.</param>
internal sealed record AdvanceRule(string Text, IReadOnlyList<WaveTerm> Terms, TimeSpan Soak);

/// <summary>When a rollout stops itself: <c>failed+reverted > 2% or alerts > 3</c>; any of it is enough.</summary>
internal sealed record StopRule(string Text, IReadOnlyList<WaveTerm> Terms);

/// <summary>Reads rules; a fault says what is wrong and shows where.</summary>
internal sealed class WaveRuleParser
{
    private const int Longest = 300;
    private const int MostTerms = 10;
    private const long LongestSoak = 90 * 86_400;

    private static readonly Dictionary<string, WaveCount> Stopping = new(StringComparer.Ordinal)
    {
        ["failed"] = WaveCount.Failed | WaveCount.Refused | WaveCount.Silent,
        ["refused"] = WaveCount.Refused,
        ["reverted"] = WaveCount.Reverted,
        ["silent"] = WaveCount.Silent,
        ["alerts"] = WaveCount.Alerts,
    };

    private static readonly Dictionary<string, WaveCount> Advancing = new(StringComparer.Ordinal) { ["confirmed"] = WaveCount.Confirmed };

    private readonly string _name;
    private readonly string _text;
    private int _at;
    private int _start;

    private WaveRuleParser(string name, string text) => (_name, _text) = (name, text);

    public static AdvanceRule? ReadAdvance(string text, out string fault)
    {
        var parser = new WaveRuleParser("advance", text);
        var (terms, soak) = (new List<WaveTerm>(), TimeSpan.Zero);
        fault = parser.Conditions("and", () =>
        {
            if (parser.Peek() != "soaked")
                return parser.Term(Advancing, terms);
            parser.Next();
            return parser.Duration(ref soak);
        });
        return fault.Length == 0 ? new AdvanceRule(text, terms, soak) : null;
    }

    public static StopRule? ReadStop(string text, out string fault)
    {
        var parser = new WaveRuleParser("stop", text);
        var terms = new List<WaveTerm>();
        fault = parser.Conditions("or", () => parser.Term(Stopping, terms));
        return fault.Length == 0 ? new StopRule(text, terms) : null;
    }

    private string Conditions(string joint, Func<string> condition)
    {
        if (_text.Length > Longest)
            return $"{_name} has at most {Longest} characters.";
        for (var count = 1; ; count++)
        {
            if (condition() is { Length: > 0 } fault)
                return fault;
            if (Peek() == "")
                return "";
            if (Next() != joint)
                return Fault($"conditions are joined by '{joint}'");
            if (count == MostTerms)
                return Fault($"at most {MostTerms} conditions");
        }
    }

    private string Term(Dictionary<string, WaveCount> names, List<WaveTerm> terms)
    {
        SkipSpaces();
        var (from, counts) = (_at, default(WaveCount));
        do
        {
            if (!names.TryGetValue(Next(), out var one))
                return Fault($"one of {string.Join(", ", names.Keys)}{(names == Advancing ? ", soaked" : "")} is counted");
            counts |= one;
        }
        while (Peek() == "+" && Next() == "+");

        var comparison = Next();
        if (comparison is not (">" or ">="))
            return Fault("'>' or '>=' comes here");
        var number = Next();
        if (number.Length > 12 || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var limit))
            return Fault("a number like 3, or a share like 2%, comes here");
        var isShare = Peek() == "%" && Next() == "%";
        if (isShare ? limit > 100 || limit * 100 != decimal.Truncate(limit * 100) : limit != decimal.Truncate(limit))
            return Fault(isShare ? "a share is 0% to 100%, with at most two decimals" : "a number of devices is whole");
        terms.Add(new WaveTerm(_text[from.._at].TrimEnd(), counts, comparison == ">=", (long)(isShare ? limit * 100 : limit), isShare));
        return "";
    }

    private string Duration(ref TimeSpan soak)
    {
        var text = Next();
        var unit = text.Length > 1 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 } : 0;
        if (unit == 0 || !int.TryParse(text.AsSpan(..^1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || (long)count * unit > LongestSoak)
            return Fault("a duration like 90s, 30m, 2h or 3d, of at most 90d, comes here");
        soak = TimeSpan.FromSeconds((long)count * unit);
        return "";
    }

    private void SkipSpaces()
    {
        while (_at < _text.Length && _text[_at] is ' ' or '\t')
            _at++;
    }

    private string Peek()
    {
        var (at, start) = (_at, _start);
        var token = Next();
        (_at, _start) = (at, start);
        return token;
    }

    // A word or number, or one sign; empty at the end.
    private string Next()
    {
        SkipSpaces();
        _start = _at;
        if (_at == _text.Length)
            return "";
        if (_text[_at] == '>' && _at + 1 < _text.Length && _text[_at + 1] == '=')
            _at += 2;
        else if (IsWord(_text[_at]))
            while (_at < _text.Length && IsWord(_text[_at]))
                _at++;
        else
            _at++;
        return _text[_start.._at];
    }

    private static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c == '.';

    private string Fault(string sentence) =>
        $"{_name}: {sentence}.\n{new Filters.FilterFault(_start, _at - _start, sentence).Render(_text)}";
}
