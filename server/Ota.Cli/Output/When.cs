using System.Globalization;

namespace Ota.Cli.Output;

/// <summary>Times for a person: how long ago first, the exact UTC time where there is room.</summary>
internal static class When
{
    /// <summary><c>2026-01-01 02:03:04 UTC</c>, empty for none.</summary>
    public static string Exact(DateTimeOffset? at) =>
        at?.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture) ?? "";

    /// <summary><c>3 min ago</c> or <c>in 5 h</c>, empty for none.</summary>
    public static string Ago(DateTimeOffset? at, DateTimeOffset now) => at is not { } then
        ? ""
        : (now - then) switch
        {
            { TotalSeconds: > -1 and < 1 } => "now",
            { Ticks: >= 0 } past => Length(past) + " ago",
            var ahead => "in " + Length(-ahead),
        };

    /// <summary>Both: <c>3 min ago (2026-01-01 02:03:04 UTC)</c>.</summary>
    public static string Both(DateTimeOffset? at, DateTimeOffset now) => at is null ? "" : $"{Ago(at, now)} ({Exact(at)})";

    /// <summary>A duration in its largest fitting unit, rounded.</summary>
    public static string Length(TimeSpan span) => span switch
    {
        { TotalSeconds: < 100 } => Number(span.TotalSeconds, "s"),
        { TotalMinutes: < 100 } => Number(span.TotalMinutes, "min"),
        { TotalHours: < 48 } => Number(span.TotalHours, "h"),
        _ => Number(span.TotalDays, "days"),
    };

    private static string Number(double value, string unit) => string.Create(CultureInfo.InvariantCulture, $"{Math.Round(value, MidpointRounding.AwayFromZero)} {unit}");
}
