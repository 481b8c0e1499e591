using System.Globalization;
using Ota.Server.CheckIns;

namespace Ota.Server.Dialects;

/// <summary>
/// What any client may add to what its dialect tells, where its firmware can set headers: <c>x-ota-version</c>, <c>x-ota-rssi</c> (dBm),
/// <c>x-ota-restart</c> (a word of docs/protocol.md §3.1), <c>x-ota-uptime</c> (seconds) and <c>x-ota-free-memory</c> (bytes). What cannot be read
/// is as if it were not there.
/// </summary>
internal static class ClientHeaders
{
    /// <summary>What the client calls itself, where its dialect has no header for that.</summary>
    public const string Mac = "x-ota-mac";

    /// <param name="version">What the dialect's own header says; our header stands for it where that is missing.</param>
    /// <param name="image">Hash that the dialect's own header says.</param>
    public static ClientSays Of(IHeaderDictionary headers, string? version = null, string? image = null) => new(
        string.IsNullOrEmpty(version) ? One(headers, "x-ota-version") : version,
        image,
        (int)(Number(headers, "x-ota-rssi") is >= -200 and <= 50 and { } rssi ? rssi : 0),
        One(headers, "x-ota-restart"),
        Number(headers, "x-ota-uptime") is >= 0 and { } uptime ? uptime : null,
        Number(headers, "x-ota-free-memory") is >= 0 and { } free ? free : 0);

    /// <summary>A header that is there once; null else.</summary>
    public static string? One(IHeaderDictionary headers, string name) =>
        headers[name] is { Count: 1 } values && values[0] is { Length: > 0 and <= 256 } value ? value : null;

    public static long? Number(IHeaderDictionary headers, string name) =>
        long.TryParse(One(headers, name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
