using System.Buffers.Binary;

namespace Ota.Cli.Releases;

/// <summary>Guesses an image's format from its first bytes; what cannot be told apart by bytes is told by the hardware's name.</summary>
internal static class ImageFormats
{
    public const string Nano = "nano";
    public const string Esp32 = "esp32";
    public const string Esp8266 = "esp8266";
    public const string Raw = "raw";

    public static readonly string[] All = [Nano, Esp32, Esp8266, Raw];

    /// <summary>Bytes that are looked at.</summary>
    public const int HeadSize = 36;

    private const byte ImageMagic = 0xE9;
    private const byte SecondBootImageMagic = 0xEA;

    // esp_app_desc_t.magic_word, at the start of the first segment: after 24 bytes of header and 8 of segment header.
    private const uint AppDescriptionMagic = 0xABCD5432;
    private const int AppDescriptionAt = 32;

    // esp_chip_id_t; 0xFFFF is "invalid". https://github.com/espressif/esp-idf (esp_app_format.h)
    private const int ChipIdAt = 12;
    private const ushort HighestChipId = 0x00FF;

    // ESP8266 code runs from 0x40100000 (IRAM) or 0x40200000 (flash); no ESP32 starts there.
    private const uint Esp8266Code = 0x4010_0000;
    private const uint Esp8266FlashEnd = 0x4030_0000;

    public static string Guess(ReadOnlySpan<byte> head, IReadOnlyList<string> hardware)
    {
        // Each nanoFramework assembly starts with this marker and a version digit.
        if (head.StartsWith("NFMRK"u8))
            return Nano;
        if (head.Length < HeadSize || head[0] is not (ImageMagic or SecondBootImageMagic))
            return Raw;
        if (head[0] == SecondBootImageMagic)
            return hardware.All(IsEsp8266) ? Esp8266 : Raw;
        if (BinaryPrimitives.ReadUInt32LittleEndian(head[AppDescriptionAt..]) == AppDescriptionMagic)
            return Esp32;
        if (BinaryPrimitives.ReadUInt32LittleEndian(head[4..]) is >= Esp8266Code and < Esp8266FlashEnd || hardware.All(IsEsp8266))
            return Esp8266;
        return BinaryPrimitives.ReadUInt16LittleEndian(head[ChipIdAt..]) <= HighestChipId ? Esp32 : Raw;
    }

    private static bool IsEsp8266(string hardware) => hardware.StartsWith(Esp8266, StringComparison.Ordinal);
}
