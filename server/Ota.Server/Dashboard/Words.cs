using System.Globalization;
using Ota.Server.Staff;

namespace Ota.Server.Dashboard;

/// <summary>How the dashboard says things: sizes, times, states. Pure.</summary>
internal static class Words
{
    public static string Of(StaffRole role) => role.ToString().ToLowerInvariant();

    public static string Size(long bytes) => bytes switch
    {
        < 1024 => $"{bytes} bytes",
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.#} MiB"),
    };

    public static string Span(TimeSpan span) => span.Duration() switch
    {
        { TotalSeconds: < 90 } s => $"{(long)s.TotalSeconds} s",
        { TotalMinutes: < 90 } s => $"{(long)s.TotalMinutes} min",
        { TotalHours: < 36 } s => $"{(long)s.TotalHours} h",
        var s => $"{(long)s.TotalDays} days",
    };

    public static string Ago(DateTimeOffset at, DateTimeOffset now) =>
        (now - at).Duration() < TimeSpan.FromSeconds(2) ? "now" : at > now ? "in " + Span(at - now) : Span(now - at) + " ago";

    public static string Count(long count, string one, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{count:#,0} {(count == 1 ? one : many ?? one + "s")}");

    public static string Number(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>How a state is coloured.</summary>
    public static string Tone(string state) => state switch
    {
        "confirmed" or "completed" or "returned" or "active" or "up-to-date" => "good",
        "reverted" or "refused" or "failed" or "stopped" or "not-returned" or "silent" or "crash-loop" or "disabled" => "bad",
        "trial" or "offered" or "accepted" or "downloading" or "downloaded" or "delivered" or "clearing" or "awaiting-return" or "armed" or "returning"
            or "ordered" or "scheduled" or "invited" => "busy",
        "paused" or "weak-signal" or "withdrawn" or "expired" or "superseded" => "warn",
        _ => "calm",
    };
}
