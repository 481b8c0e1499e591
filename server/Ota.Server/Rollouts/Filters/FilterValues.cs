using System.Globalization;

namespace Ota.Server.Rollouts.Filters;

/// <summary>Reads the values of a filter, each by the kind of its field. A null comes with a sentence.</summary>
internal static class FilterValues
{
    private const int MostDigits = 18;
    private const long LongestSeconds = 36_500L * 24 * 3600;

    private static readonly string[] Moments = ["yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm'Z'", "yyyy-MM-dd'T'HH:mm:ss'Z'"];

    // The longest first, as the canonical text uses the longest that fits.
    private static readonly (char Unit, long Seconds)[] Units = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

    public static FilterValue? Read(FilterField field, string text, out string? reason)
    {
        reason = null;
        FilterValue? value = field.Kind switch
        {
            FieldKind.Name => ReadName(field, text, out reason),
            FieldKind.Word => ReadWord(field, text, out reason),
            FieldKind.Version => VersionOrder.IsVersion(text) ? new VersionValue(text) : null,
            FieldKind.Number => ReadNumber(field, text, out reason),
            FieldKind.Duration => ReadDuration(field, text, out reason),
            _ => (FilterValue?)ReadMoment(text) ?? ReadDuration(field, text, out reason),
        };
        if (value is null)
            reason ??= $"{field} is {field.What}; '{FilterTokens.Shown(text)}' is not one.";
        return value;
    }

    /// <summary>The beginning of a name, written <c>kit*</c>.</summary>
    public static string? ReadBeginning(FilterField field, string text, out string? reason)
    {
        var star = text.IndexOf('*', StringComparison.Ordinal);
        var beginning = star == text.Length - 1 && star > 0 ? field.InItsForm(text[..star]) : "";
        reason = beginning.Length > 0
            ? null
            : "The beginning of a name is written like kit*, with one * and that at its end; "
                + $"'{FilterTokens.Shown(text)}' is not.";
        return reason is null ? beginning : null;
    }

    public static string Write(FilterValue value) => value switch
    {
        TextValue text => WriteText(text.Text),
        NumberValue number => number.Number.ToString(CultureInfo.InvariantCulture),
        VersionValue version => version.Version,
        DurationValue duration => WriteDuration(duration.Seconds),
        MomentValue moment => WriteMoment(DateTimeOffset.FromUnixTimeMilliseconds(moment.Milliseconds)),
        _ => throw new InvalidOperationException($"A value of no kind: {value}."),
    };

    /// <summary>As it is where it can be read as one word, else in quotes.</summary>
    public static string WriteText(string text) =>
        text.All(FilterTokens.IsBare) && !FilterParser.IsKeyword(text)
            ? text
            : '"'
                + text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)
                + '"';

    private static TextValue? ReadName(FilterField field, string text, out string? reason)
    {
        var name = field.InItsForm(text);
        reason = name.Length == 0
            ? $"{field} is {field.What}, never empty; a device that has none is found with '{field} is none'."
            : name.Contains('*', StringComparison.Ordinal)
                ? $"No name has a *; the beginning of one is found with '{field} ~ kit*'."
                : null;
        return reason is null ? new TextValue(name) : null;
    }

    private static TextValue? ReadWord(FilterField field, string text, out string? reason)
    {
        var word = field.Words.FirstOrDefault(known => known.Equals(text, StringComparison.OrdinalIgnoreCase));
        var meant = word is null ? Spelling.Nearest(text, field.Words) : null;
        reason = word is not null
            ? null
            : meant is null
                ? $"{field} is {field.What}; '{FilterTokens.Shown(text)}' is none of them."
                : $"{field} is never '{FilterTokens.Shown(text)}'; did you mean '{meant}'?";
        return word is null ? null : new TextValue(word);
    }

    private static NumberValue? ReadNumber(FilterField field, string text, out string? reason)
    {
        var digits = text.StartsWith('-') ? text.AsSpan(1) : text;
        var isWhole = VersionOrder.IsNumber(digits);
        reason = isWhole && digits.Length > MostDigits
            ? $"{field} is {field.What}, of at most {MostDigits} digits."
            : null;
        return isWhole && reason is null ? new NumberValue(long.Parse(text, CultureInfo.InvariantCulture)) : null;
    }

    private static DurationValue? ReadDuration(FilterField field, string text, out string? reason)
    {
        reason = null;
        var digits = text.AsSpan(0, Math.Max(0, text.Length - 1));
        var letter = text.Length == 0 ? ' ' : char.ToLowerInvariant(text[^1]);
        var unit = Array.Find(Units, unit => unit.Unit == letter).Seconds;
        if (unit == 0 || !VersionOrder.IsNumber(digits))
            return null;
        var seconds = digits.Length > 10 ? long.MaxValue : long.Parse(digits, CultureInfo.InvariantCulture) * unit;
        if (seconds <= LongestSeconds)
            return new DurationValue(seconds);
        reason = $"{field} is {field.What}, at most {LongestSeconds / 86_400}d.";
        return null;
    }

    private static MomentValue? ReadMoment(string text) =>
        DateTimeOffset.TryParseExact(
            text,
            Moments,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var moment)
            ? new MomentValue(moment.ToUnixTimeMilliseconds())
            : null;

    private static string WriteDuration(long seconds)
    {
        var (unit, length) = Array.Find(
            Units, unit => (seconds % unit.Seconds == 0 && seconds >= unit.Seconds) || unit.Unit == 's');
        return string.Create(CultureInfo.InvariantCulture, $"{seconds / length}{unit}");
    }

    private static string WriteMoment(DateTimeOffset moment)
    {
        var form = moment.TimeOfDay == TimeSpan.Zero ? Moments[0] : moment.Second == 0 ? Moments[1] : Moments[2];
        return moment.ToString(form, CultureInfo.InvariantCulture);
    }
}
