using System.Globalization;
using Ota.Server.Deployments;
using Ota.Server.Products;
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

    /// <summary>A version that a device runs; other updaters than our agent need not say it.</summary>
    public static string Runs(string? version) => version ?? "not told";

    /// <summary>What a deployment brings.</summary>
    public static string Does(DeploymentView deployment) => deployment switch
    {
        { Action: not "install" } => $"{deployment.Action} {deployment.Version}",
        { Purpose: "return" } => "return to " + deployment.Version,
        { Purpose: "step" } => "step to " + deployment.Version,
        _ => deployment.Version,
    };

    /// <summary>How long a unit ran when it was last heard; it may have restarted since.</summary>
    public static string UpFor(long seconds) =>
        (seconds == 0 ? "less than a second" : Span(TimeSpan.FromSeconds(Math.Min(seconds, 1e9)))) + " at its last check-in";

    /// <summary>What a restart's cause means.</summary>
    public static string Cause(string cause) => cause switch
    {
        "update" => "to run an update",
        "recovery" => "to be recovered",
        "user" => "somebody asked for it",
        "wifi-timeout" => "it found no Wi-Fi for too long",
        "server-timeout" => "it did not reach this server for too long",
        "crash" => "its program failed",
        _ => "its power went, or it cannot tell",
    };

    /// <summary>What an updater checks of an image, by the word for it.</summary>
    public static string Checks(string? protection) => protection switch
    {
        "signed" => "a signature: it runs only what you signed",
        "md5" => "an MD5 only: damage is found, a forgery is not",
        _ => "nothing: it runs what it is given",
    };

    public static string Least(Protection? least) => least switch
    {
        Protection.Signature => "a signature",
        Protection.Md5 => "an MD5 at least",
        _ => "whatever it checks",
    };

    /// <summary>How a state is coloured.</summary>
    public static string Tone(string state) => state switch
    {
        "confirmed" or "completed" or "returned" or "active" or "up-to-date" => "good",
        "reverted" or "refused" or "failed" or "stopped" or "not-returned" or "silent" or "crash-loop" or "stranded" or "disabled" => "bad",
        "trial" or "offered" or "accepted" or "downloading" or "downloaded" or "delivered" or "clearing" or "awaiting-return" or "armed" or "returning"
            or "ordered" or "scheduled" or "invited" => "busy",
        "paused" or "weak-signal" or "withdrawn" or "expired" or "superseded" => "warn",
        _ => "calm",
    };
}
