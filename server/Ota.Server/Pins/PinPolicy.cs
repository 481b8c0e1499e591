using System.Globalization;
using System.Text;
using Ota.Server.Products;

namespace Ota.Server.Pins;

/// <summary>What may be written where. Pure.</summary>
internal static class PinPolicy
{
    /// <summary>Bytes of a value in UTF-8.</summary>
    public const int LongestValue = 1024;

    // Where the server keeps its own pins, so that another number for one of them moves nothing.
    private const int FirstSystem = SystemPins.Highest + 1;

    /// <summary>What is wrong with a value, or null.</summary>
    public static string? Fault(string? value) =>
        value is null ? "value is a string."
        : value.Length > LongestValue || Encoding.UTF8.GetByteCount(value) > LongestValue ? $"A value has at most {LongestValue} bytes of UTF-8."
        : value.Any(char.IsControl) ? "A value has no control characters."
        : null;

    /// <summary>The number in a path, as <c>5</c> or <c>V5</c>; null when it is none of a pin.</summary>
    public static int? Number(string text)
    {
        var digits = text.AsSpan(text.Length > 1 && text[0] is 'v' or 'V' ? 1 : 0);
        return digits.Length <= 3 && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= SystemPins.Highest
            ? number
            : null;
    }

    /// <summary>Where the pin of this number is kept.</summary>
    public static int Kept(int number, SystemPins pins) => pins.At(number) is { } system ? Kept(system) : number;

    public static int Kept(SystemPin pin) => FirstSystem + (int)pin;

    /// <summary>Which system pin is kept here; null for a user's.</summary>
    public static SystemPin? System(int kept) => kept < FirstSystem ? null : (SystemPin)(kept - FirstSystem);

    /// <summary>The number under which what is kept here is found; null for a user's that a system pin stands before.</summary>
    public static int? Shown(int kept, SystemPins pins) =>
        System(kept) is { } system ? pins.NumberOf(system)
        : pins.At(kept) is null ? kept
        : null;
}
