using System.Globalization;
using System.Text.RegularExpressions;

namespace Ota.Cli.Rollouts;

/// <summary>The words of a plan, held against what they can mean before anything is sent; the server has the last word on them. Pure.</summary>
internal static partial class PlanTerms
{
    private const string Rest = "rest";
    private const string AtForm = "yyyy-MM-dd'T'HH:mm";
    private const int HighestRate = 1_000_000;

    /// <summary><c>1%,10%,100%</c> or <c>5,50,rest</c>: each further than the one before.</summary>
    public static string[] Waves(string text)
    {
        var waves = text.Split(',', StringSplitOptions.TrimEntries).Select(wave => wave.ToLowerInvariant()).ToArray();
        var reached = new Reach(0, 0);
        for (var i = 0; i < waves.Length; i++)
        {
            if (ReachOf(waves[i]) is not { } reach)
            {
                throw FailureException.Usage(
                    $"A wave is a share like 10%, a count of devices like 50, or 'rest', and not '{Shown(waves[i])}': --waves 1%,10%,50%,100%.");
            }

            if (reach is { Share: > 100 } or { Share: 0, Count: 0 })
                throw FailureException.Usage($"A wave takes at least one device and at most 100% of them, not {Shown(waves[i])}.");
            if (reached.Share == 100 || (reach.Share > 0 && reach.Share <= reached.Share) || (reach.Count > 0 && reach.Count <= reached.Count))
                throw FailureException.Usage($"Each wave goes further than the one before: {Shown(waves[i])} after {Shown(waves[i - 1])} does not.");
            if (i > 0 && waves[i] != Rest && reach.Count > 0 != reached.Count > 0)
                throw FailureException.Usage($"Waves are all shares or all counts of devices: {Shown(waves[i - 1])},{Shown(waves[i])} are not.");
            reached = new Reach(Math.Max(reach.Share, reached.Share), Math.Max(reach.Count, reached.Count));
        }

        return waves;
    }

    /// <param name="zone">IANA name; null for UTC.</param>
    public static string At(string text, string? zone)
    {
        if (!DateTime.TryParseExact(text, AtForm, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
            throw FailureException.Usage($"--at takes a local date and time like 2026-12-01T02:00, not '{Shown(text)}'.");
        if (zone is not null && TimeZoneInfo.TryFindSystemTimeZoneById(zone, out var found) && found.IsInvalidTime(local))
            throw FailureException.Usage($"{text} does not exist in {zone}: its clocks are put forward past it. Take an hour later.");
        return text;
    }

    public static string Zone(string name)
    {
        // Where a machine has no time zones at all, the server is asked.
        if (!TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone)
            ? TimeZoneInfo.TryFindSystemTimeZoneById("Europe/London", out _)
            : !zone.HasIanaId)
            throw FailureException.Usage($"There is no time zone '{Shown(name)}'; use an IANA name like Australia/Adelaide or UTC.");
        return name;
    }

    /// <summary><c>01:00-05:00</c>; may go over midnight.</summary>
    public static string Window(string text)
    {
        if (WindowPattern().Match(text) is not { Success: true } match)
            throw FailureException.Usage($"--window takes two times of day like 01:00-05:00, not '{Shown(text)}'.");
        if (match.Groups[1].Value == match.Groups[2].Value)
            throw FailureException.Usage("--window begins and ends at the same minute; leave it out for the whole day.");
        return text;
    }

    /// <summary><c>200/min</c> or <c>200</c>.</summary>
    public static int Rate(string text) =>
        RatePattern().Match(text) is { Success: true } match
        && int.TryParse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture, out var rate) && rate is > 0 and <= HighestRate
            ? rate
            : throw FailureException.Usage($"--rate takes how many devices may begin in a minute, like 200/min, not '{Shown(text)}'.");

    /// <summary>Seconds of <c>90s</c>, <c>30m</c>, <c>2h</c> or <c>14d</c>.</summary>
    public static long Duration(string option, string text) =>
        DurationOf(text) is > 0 and var seconds
            ? seconds
            : throw FailureException.Usage($"{option} takes a time like 90s, 30m, 2h or 14d, not '{Shown(text)}'.");

    /// <summary>A condition of the server's; its percentages and durations are looked at here, its words there.</summary>
    public static string Rule(string option, string text)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw FailureException.Usage($"{option} is empty; leave it out for the server's own rule.");
        foreach (Match share in SharePattern().Matches(text))
        {
            if (!decimal.TryParse(share.Groups[1].ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
                || percent > 100)
                throw FailureException.Usage($"{option}: a share is 0% to 100%, not {Shown(share.Value)}.");
        }

        foreach (Match soak in SoakPattern().Matches(text))
            Duration($"{option}: soaked", soak.Groups[1].Value);
        return text.Trim();
    }

    /// <summary>The longest <c>soaked 2h</c> in a condition; null when it has none.</summary>
    public static TimeSpan? SoakOf(string condition) => SoakPattern().Matches(condition)
        .Select(soak => DurationOf(soak.Groups[1].Value))
        .Max() is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    private static Reach? ReachOf(string wave) => wave switch
    {
        Rest => new Reach(100, 0),
        [.. var share, '%'] => decimal.TryParse(share, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
            ? new Reach(percent, 0)
            : null,
        _ => long.TryParse(wave, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? new Reach(0, count) : null,
    };

    private static long? DurationOf(string text) =>
        DurationPattern().Match(text) is { Success: true } match
            ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) * (match.Groups[2].ValueSpan switch
            {
                "s" => 1L,
                "m" => 60,
                "h" => 3600,
                _ => 86400,
            })
            : null;

    // What was typed goes back into one line of an error, and it may be a whole file by mistake.
    private static string Shown(string text) => text.Length > 40 ? text[..40] + "…" : text;

    /// <summary>How far a wave goes: percent or devices, the other is 0.</summary>
    private sealed record Reach(decimal Share, long Count);

    [GeneratedRegex(@"^((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)\z", RegexOptions.CultureInvariant)]
    private static partial Regex WindowPattern();

    [GeneratedRegex(@"^([0-9]{1,9})(/min)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex RatePattern();

    [GeneratedRegex(@"^([0-9]{1,6})([smhd])\z", RegexOptions.CultureInvariant)]
    private static partial Regex DurationPattern();

    [GeneratedRegex(@"([0-9.]+)\s*%", RegexOptions.CultureInvariant)]
    private static partial Regex SharePattern();

    [GeneratedRegex(@"\bsoaked\s+(\S+)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex SoakPattern();
}
