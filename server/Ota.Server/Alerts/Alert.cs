using Ota.Server.Devices;

namespace Ota.Server.Alerts;

/// <summary>One thing that is or was wrong with a device, as staff see it.</summary>
/// <param name="Id">Grows; of two alerts the later has the higher one.</param>
/// <param name="Kind"><c>crash-loop</c>, <c>silent</c>, <c>weak-signal</c> or <c>stranded</c>.</param>
/// <param name="Closed">Null while it is open.</param>
/// <param name="Detail">What was seen when it opened, in a sentence.</param>
public sealed record AlertView(
    long Id,
    string Device,
    string HardwareId,
    string Product,
    string Kind,
    DateTimeOffset Opened,
    DateTimeOffset? Closed,
    string Detail);

/// <summary>An alert that is open.</summary>
/// <param name="At">UTC milliseconds at which it opened.</param>
internal sealed record OpenAlert(long At, string Detail);

/// <summary>An alert that opened or closed and is to be written.</summary>
/// <param name="At">UTC milliseconds.</param>
/// <param name="Detail">What was seen when it opened; null when it closed.</param>
internal sealed record AlertChange(Device Device, AlertKind Kind, long At, string? Detail);

/// <summary>The words for kinds of alerts.</summary>
internal static class AlertWords
{
    private static readonly string[] Kinds = ["crash-loop", "silent", "weak-signal", "stranded"];
    private static readonly string[] Titles = ["Crash loop", "Silent", "Weak signal", "Stranded"];
    private static readonly string[] Endings = ["Crash loop over", "Silence over", "Weak signal over", "Stranded no more"];

    /// <summary>Every kind, on the wire and in the database.</summary>
    public static string All { get; } = string.Join(", ", Kinds);

    public static bool IsOne(string word) => Kinds.Contains(word, StringComparer.Ordinal);

    public static string Of(AlertKind kind) => Kinds[(int)kind];

    public static AlertKind Parse(string word) => (AlertKind)Array.IndexOf(Kinds, word);

    /// <summary>As a sentence begins.</summary>
    public static string Title(AlertKind kind) => Titles[(int)kind];

    /// <summary>How it began, for the timeline.</summary>
    public static string Opening(AlertKind kind, string detail) => $"{Title(kind)}: {detail}";

    /// <summary>How it ended, for the timeline.</summary>
    public static string Ending(AlertKind kind) => Endings[(int)kind];
}
