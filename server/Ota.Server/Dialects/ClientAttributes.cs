using System.Globalization;
using System.Text.Json;
using Ota.Server.CheckIns;

namespace Ota.Server.Dialects;

/// <summary>
/// What clients tell of themselves by names of their own, and which of them say what a check-in says: a name counts without regard to case,
/// <c>_</c>, <c>-</c>, <c>.</c> and blanks. Pure.
/// </summary>
internal static class ClientAttributes
{
    public const int Most = 128;
    private const int LongestName = 128;
    private const int LongestValue = 1024;
    private const int MostInAll = 16 * 1024;

    // The first that is there counts.
    private static readonly string[] VersionNames =
        ["version", "swversion", "softwareversion", "fwversion", "firmwareversion", "artifactname", "rootfsimageversion"];

    /// <summary>The version that it said it runs; null when it says none.</summary>
    public static string? VersionIn(IReadOnlyDictionary<string, string> attributes) => One(attributes, VersionNames);

    /// <summary>What an ask says, of its headers first.</summary>
    public static ClientSays Says(IHeaderDictionary headers, IReadOnlyDictionary<string, string> attributes)
    {
        var says = ClientHeaders.Of(headers);
        return says with
        {
            Version = says.Version ?? VersionIn(attributes),
            Rssi = says.Rssi != 0 ? says.Rssi : (int)(Number(attributes, "rssi", "wifirssi", "signal") is >= -200 and <= 50 and { } rssi ? rssi : 0),
            FreeMemory = says.FreeMemory != 0 ? says.FreeMemory : Number(attributes, "freememory") is >= 0 and { } free ? free : 0,
        };
    }

    /// <summary>What it says when it tells its attributes: with why and when it last started.</summary>
    public static ClientSays SaysAnew(IHeaderDictionary headers, IReadOnlyDictionary<string, string> attributes)
    {
        var says = Says(headers, attributes);
        // A cause without the time that it has run would be another start each time it is told.
        return says.Uptime is null && Number(attributes, "uptime") is >= 0 and { } uptime
            ? says with { Uptime = uptime, RestartCause = One(attributes, "restart", "restartcause", "resetcause", "resetreason") }
            : says;
    }

    /// <summary>Takes one over; a sentence when it cannot be kept.</summary>
    public static string? Add(Dictionary<string, string> attributes, string name, JsonElement value)
    {
        var text = value.ValueKind switch
        {
            JsonValueKind.String => JsonText.Of(value),
            JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
            JsonValueKind.Null => "",
            JsonValueKind.Array when value.EnumerateArray().All(item => item.ValueKind is JsonValueKind.Number || JsonText.Of(item) is not null) =>
                string.Join(", ", value.EnumerateArray().Select(item => JsonText.Of(item) ?? item.GetRawText())),
            _ => null,
        };
        if (text is null)
            return "An attribute is a text, a number, true, false or a list of texts or numbers.";
        if (name.Length is 0 or > LongestName || text.Length > LongestValue)
            return $"An attribute's name has 1 to {LongestName} characters, its value at most {LongestValue}.";
        attributes[name.Replace('\0', '\uFFFD')] = text;
        return attributes.Count > Most || attributes.Sum(pair => pair.Key.Length + pair.Value.Length) > MostInAll
            ? $"A device has at most {Most} attributes, of {MostInAll} characters in all."
            : null;
    }

    private static long? Number(IReadOnlyDictionary<string, string> attributes, params ReadOnlySpan<string> names) =>
        double.TryParse(One(attributes, names), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && Math.Abs(number) < 1e15
            ? (long)number
            : null;

    private static string? One(IReadOnlyDictionary<string, string> attributes, params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            foreach (var (given, value) in attributes)
            {
                if (value.Length > 0 && Plain(given) == name)
                    return value;
            }
        }

        return null;
    }

    private static string Plain(string name) =>
        new([.. name.Where(c => c is not ('_' or '-' or '.' or ' ')).Select(char.ToLowerInvariant)]);
}
