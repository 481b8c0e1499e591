using System.Globalization;
using Microsoft.Extensions.Primitives;

namespace Ota.Server.Images;

internal enum RangeKind { Whole, Part, Unsatisfiable }

/// <summary>The part of an image that a Range header asks for (RFC 9110 §14). Pure.</summary>
/// <param name="Kind">
/// Whole also for what is malformed, in another unit, or more than one range: a server may ignore those, and every
/// client must be ready for it (§14.2).
/// </param>
/// <param name="First">Offset of the first byte.</param>
/// <param name="Length">Bytes.</param>
internal readonly record struct RequestedRange(RangeKind Kind, long First, long Length)
{
    private const string Unit = "bytes=";

    /// <param name="header">The request's Range.</param>
    /// <param name="size">The image's size in bytes, at least 1.</param>
    public static RequestedRange Of(StringValues header, long size)
    {
        var whole = new RequestedRange(RangeKind.Whole, 0, size);
        if (header.Count != 1
            || header[0] is not { } text
            || !text.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
        {
            return whole;
        }

        // A list may have empty elements (§5.6.1).
        var ranges = text[Unit.Length..].Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (ranges.Length != 1 || ranges[0].Split('-') is not [var from, var to])
            return whole;

        return (from, to) switch
        {
            ("", _) => Number(to) is { } last ? Suffix(last, size) : whole,
            (_, "") => Number(from) is { } first ? Between(first, long.MaxValue, size) : whole,
            _ => Number(from) is { } first && Number(to) is { } last && first <= last
                ? Between(first, last, size)
                : whole,
        };
    }

    private static RequestedRange Suffix(long length, long size) =>
        length == 0
            ? new RequestedRange(RangeKind.Unsatisfiable, 0, 0)
            : new RequestedRange(RangeKind.Part, size - Math.Min(length, size), Math.Min(length, size));

    // A last byte beyond the end means the end: esp_https_ota asks for one byte too many.
    private static RequestedRange Between(long first, long last, long size) =>
        first >= size
            ? new RequestedRange(RangeKind.Unsatisfiable, 0, 0)
            : new RequestedRange(RangeKind.Part, first, Math.Min(last, size - 1) - first + 1);

    // Digits only; more of them than fit mean "far beyond the end".
    private static long? Number(string digits) =>
        digits.Length == 0 || !digits.All(char.IsAsciiDigit) ? null
        : long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : long.MaxValue;
}
