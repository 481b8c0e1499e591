using System.Collections.Frozen;
using System.Globalization;

namespace Ota.Images.Formats;

/// <summary>
/// Espressif's chips: the ids in image headers (esp_chip_id_t, IMAGE_CHIP_ID in esptool) and their names.
/// </summary>
internal static class EspChips
{
    private static readonly FrozenDictionary<ushort, string> ById = new Dictionary<ushort, string>
    {
        [0] = "esp32",
        [2] = "esp32-s2",
        [5] = "esp32-c3",
        [9] = "esp32-s3",
        [12] = "esp32-c2",
        [13] = "esp32-c6",
        [16] = "esp32-h2",
        [18] = "esp32-p4",
        [20] = "esp32-c61",
        [23] = "esp32-c5",
        [25] = "esp32-h21",
        [28] = "esp32-h4",
        [32] = "esp32-s31",
    }.ToFrozenDictionary();

    // The ESP8285 is an ESP8266 with its flash inside, the ESP8684 is the C2's other name; they run the same images.
    private static readonly FrozenDictionary<string, string> ByHardware = ById.Values.Append(ImageFacts.Esp8266)
        .ToDictionary(Plain, chip => chip)
        .Append(new("esp8285", ImageFacts.Esp8266))
        .Append(new("esp8684", "esp32-c2"))
        .ToFrozenDictionary();

    /// <summary>
    /// The chip's name; a made-up one for an id that is newer than this list; null for "any" (0xFFFF).
    /// </summary>
    public static string? NameOf(ushort id) =>
        id == ushort.MaxValue ? null
        : ById.GetValueOrDefault(id) ?? "chip " + id.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// The chip that a hardware name means, spelled with or without punctuation (<c>esp32-s3</c>, <c>esp32s3</c>); null
    /// for a name that is a board's, whose chip we cannot know.
    /// </summary>
    public static string? OfHardware(string hardware) => ByHardware.GetValueOrDefault(Plain(hardware));

    private static string Plain(string name) => name.Replace("-", "").Replace("_", "");
}
