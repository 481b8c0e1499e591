using System.Buffers.Binary;

namespace Ota.Images.Formats;

/// <summary>
/// The images of the ESP8266 (esptool, bin_image.py; esp8266/Arduino, tools/elf2bin.py). None says for which chip it
/// is, but its addresses do.
/// </summary>
internal static class Esp8266Image
{
    /// <summary>First byte of an image of the non-OS SDK's second kind.</summary>
    public const byte SecondKindMagic = 0xEA;

    private const int HeaderSize = 8;
    private const uint ArduinoLoader = 0x4010F000;
    private const int ArduinoLoaderSize = 4096;

    /// <summary>
    /// True when an image that begins with <see cref="EspSegments.Magic"/> is no ESP32's: where that has its pin
    /// settings (0xEE and zeros), this has the first segment's load address.
    /// </summary>
    public static bool HasShortHeader(ReadOnlySpan<byte> head) =>
        head.Length >= 12 && BinaryPrimitives.ReadUInt32LittleEndian(head[8..])
            is (>= 0x3FFE8000 and < 0x40000000) // data
            or (>= 0x40100000 and < 0x40110000) // instructions
            or (>= 0x40200000 and < 0x40300000); // flash

    /// <summary>
    /// True for the RTOS SDK's images, which have the ESP32's layout but begin running in the ESP8266's instruction
    /// memory, where no ESP32 has any.
    /// </summary>
    public static bool HasLongHeader(ReadOnlySpan<byte> head) =>
        head.Length >= 8 && BinaryPrimitives.ReadUInt32LittleEndian(head[4..]) is >= 0x40100000 and < 0x40110000;

    /// <param name="cursor">At the image's first byte, one of the two magics.</param>
    public static ImageFacts Read(ImageCursor cursor) =>
        new(
            ImageFacts.Esp8266,
            ImageFacts.Esp8266,
            Defect: cursor.Peek(1)[0] == SecondKindMagic ? WalkSecondKind(cursor) : WalkFirstKind(cursor));

    private static string? WalkFirstKind(ImageCursor cursor)
    {
        var head = cursor.Peek(HeaderSize + 4);
        var isArduino = BinaryPrimitives.ReadUInt32LittleEndian(head[HeaderSize..]) == ArduinoLoader;
        if (WalkHeaderAndSegments(cursor) is { } defect)
            return defect;
        if (!isArduino)
            return null;

        // Arduino's builds are two images: its loader, padded to 4 KiB, then the sketch.
        var padding = ArduinoLoaderSize - cursor.Position;
        if (padding < 0)
            return "is damaged: its boot loader is longer than 4,096 bytes.";
        if (cursor.Skip(padding) < padding || cursor.Peek(1).IsEmpty)
            return "is cut off: it has a boot loader and no application.";
        // elf2bin writes a length and a CRC into the sketch after it summed the segments, so the sum never fits.
        return cursor.Peek(1)[0] == EspSegments.Magic
            ? WalkHeaderAndSegments(cursor, @checked: false)
            : "is damaged: no application follows its boot loader.";
    }

    // A header and the code that runs from flash, which is not summed; then an image of the first kind, then a CRC.
    private static string? WalkSecondKind(ImageCursor cursor)
    {
        if (cursor.Skip(HeaderSize) < HeaderSize)
            return "is cut off within its header.";
        if (EspSegments.WalkOne(cursor, out _) is { } defect)
            return defect;
        var head = cursor.Peek(1);
        if (head.IsEmpty)
            return "is cut off before its second header.";
        return head[0] == EspSegments.Magic
            ? WalkHeaderAndSegments(cursor)
            : "is damaged: its second header is not there.";
    }

    private static string? WalkHeaderAndSegments(ImageCursor cursor, bool @checked = true)
    {
        var head = cursor.Peek(HeaderSize);
        if (head.Length < HeaderSize)
            return "is cut off within its header.";
        var count = head[1];
        if (count is 0 or > EspSegments.Most)
            return $"is damaged: it has {count} segments, not 1 to {EspSegments.Most}.";
        cursor.Skip(HeaderSize);
        return EspSegments.Walk(cursor, count, @checked);
    }
}
