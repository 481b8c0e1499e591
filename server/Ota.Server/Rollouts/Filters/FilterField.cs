using System.Collections.Immutable;
using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;

namespace Ota.Server.Rollouts.Filters;

internal enum FieldKind
{
    /// <summary>Text without an order.</summary>
    Name,

    /// <summary>One of a few words.</summary>
    Word,

    Version,
    Number,
    Duration,

    /// <summary>Compared by its age or with a moment.</summary>
    Moment,
}

/// <summary>
/// What a filter can ask of a device: its name in the language, its kind, and where its value is in memory and in the
/// table.
/// </summary>
internal sealed class FilterField
{
    private const string Time = "an age like 2d, or a moment in UTC like 2026-11-01 or 2026-11-01T12:00Z";

    // What a device has not said yet: the columns hold 0 or a default until its first check-in.
    private static readonly ImmutableArray<FilterField> Table =
    [
        OfName("group", "a name like kitchens", "group_name", Lower, (in facts) => facts.Group),
        OfName("hardware", "a name like esp32", "hardware", Lower, (in facts) => facts.Hardware),
        OfName(
            "hardware-id", "a hardware id like 24:6f:28:aa:3f:10", "plain_name", DeviceNames.Plain,
            (in facts) => facts.PlainName),
        OfName("id", "a device id like 86eac9k08nc8", "id", Lower, (in facts) => facts.Id),
        new("version", FieldKind.Version, "a SemVer number like 1.4.0 or 1.4.0-beta.1", "version_key")
        {
            Text = (in facts) => facts.Version,
        },
        OfNumber("rssi", FieldKind.Number, "a number in dBm like -75", "nullif(rssi, 0)", (in facts) => facts.Rssi),
        OfNumber(
            "free-memory", FieldKind.Number, "a number of bytes like 40000", Told("free_memory"),
            (in facts) => facts.FreeMemory),
        OfNumber(
            "uptime", FieldKind.Duration, "a duration like 90s, 30m, 2h or 3d", Told("uptime"),
            (in facts) => facts.Uptime),
        OfNumber("last-seen", FieldKind.Moment, Time, "last_seen", (in facts) => facts.LastSeen),
        OfNumber("enrolled", FieldKind.Moment, Time, "enrolled", (in facts) => facts.Enrolled),
        OfNumber(
            "restarts", FieldKind.Number, "a number of starts like 12", Told("restarts"),
            (in facts) => facts.Restarts),
        OfWord("cause", CheckIn.Causes, "CASE WHEN dialect IS NULL OR restarts > 0 THEN restart_cause END", (in facts) => facts.Cause),
        OfNumber(
            "security-counter", FieldKind.Number, "a number like 3", Heard("security_counter"),
            (in facts) => facts.SecurityCounter),
        OfWord(
            "state", [Device.NoDeploymentYet, .. DeploymentWords.All.Split(", ")], "state", (in facts) => facts.State),
        OfWord("slot", ["confirmed", "trial"], Heard("slot"), (in facts) => facts.Slot),
    ];

    // What people call them elsewhere.
    private static readonly Dictionary<string, string> OtherNames = new(StringComparer.OrdinalIgnoreCase)
    {
        ["signal"] = "rssi", ["wifi"] = "rssi", ["wi-fi"] = "rssi", ["memory"] = "free-memory", ["runs"] = "version",
        ["running"] = "version",
        ["release"] = "version", ["device"] = "id", ["mac"] = "hardware-id", ["serial"] = "hardware-id",
        ["board"] = "hardware",
        ["seen"] = "last-seen", ["counter"] = "security-counter", ["deployment"] = "state", ["restart-cause"] = "cause",
        ["age"] = "enrolled",
    };

    private FilterField(string name, FieldKind kind, string what, string column)
    {
        (Name, Kind, What, Column) = (name, kind, what, column);
        Takes = kind switch
        {
            FieldKind.Name => "=, !=, ~, in, not in or is none",
            FieldKind.Word => "=, !=, in, not in or is none",
            FieldKind.Moment => "<, <=, >, >= or is none",
            _ => "=, !=, <, <=, >, >=, in, not in or is none",
        };
    }

    public delegate string? TextOf(in DeviceFacts facts);

    public delegate long? NumberOf(in DeviceFacts facts);

    public static ImmutableArray<FilterField> All => Table;

    /// <summary>All their names, for a sentence.</summary>
    public static string Names { get; } = string.Join(", ", Table.Select(field => field.Name));

    public string Name { get; }

    public FieldKind Kind { get; }

    /// <summary>What its value is, with an article, an example and its unit.</summary>
    public string What { get; }

    /// <summary>The comparisons it goes with.</summary>
    public string Takes { get; }

    /// <summary>Its words; empty unless it is of that kind.</summary>
    public ImmutableArray<string> Words { get; private init; } = [];

    /// <summary>
    /// A name as devices have it: in lower case, and a hardware id without what differs from label to label.
    /// </summary>
    public Func<string, string> InItsForm { get; private init; } = text => text;

    /// <summary>SQL for its value over the table of devices, null where it is absent.</summary>
    public string Column { get; }

    /// <summary>The value of a name, word or version.</summary>
    public TextOf Text { get; private init; } = (in _) => null;

    /// <summary>The value of a number, of a duration in seconds, of a moment in UTC milliseconds.</summary>
    public NumberOf Number { get; private init; } = (in _) => null;

    public static FilterField? Find(string name)
    {
        foreach (var field in Table)
        {
            if (field.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                return field;
        }

        return null;
    }

    /// <summary>The field a mistyped name may have meant.</summary>
    public static string? Nearest(string name)
    {
        if (OtherNames.TryGetValue(name, out var known))
            return known;
        var joined = Table.FirstOrDefault(
            field => Joined(field.Name).Equals(Joined(name), StringComparison.OrdinalIgnoreCase));
        return joined?.Name ?? Spelling.Nearest(name, Table.Select(field => field.Name));
    }

    public override string ToString() => Name;

    private static string Joined(string name) =>
        name.Replace("-", "", StringComparison.Ordinal).Replace("_", "", StringComparison.Ordinal);

    // Of a client that is not ours 0 is what it did not tell.
    private static string Told(string column) =>
        $"CASE WHEN last_seen IS NOT NULL AND (dialect IS NULL OR {column} > 0) THEN {column} END";

    private static string Heard(string column) => $"CASE WHEN last_seen IS NOT NULL THEN {column} END";

    // Names are lower case, so a letter in upper case can only be meant as one.
    private static string Lower(string text) =>
        string.Concat(text.Select(c => char.IsAsciiLetterUpper(c) ? char.ToLowerInvariant(c) : c));

    private static FilterField OfName(
        string name, string what, string column, Func<string, string> inItsForm, TextOf text) =>
        new(name, FieldKind.Name, what, column) { InItsForm = inItsForm, Text = text };

    private static FilterField OfNumber(string name, FieldKind kind, string what, string column, NumberOf number) =>
        new(name, kind, what, column) { Number = number };

    private static FilterField OfWord(string name, IEnumerable<string> words, string column, TextOf text) =>
        new(name, FieldKind.Word, "one of " + string.Join(", ", words), column) { Words = [.. words], Text = text };
}
