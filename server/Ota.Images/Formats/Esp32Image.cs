using System.Buffers.Binary;
using System.Globalization;

namespace Ota.Images.Formats;

/// <summary>
/// An application of the ESP32 family: esp_image_header_t of 24 bytes, segments, checksum, and the SHA-256 of all that
/// if the header says so (ESP-IDF, components/bootloader_support/include/esp_app_format.h).
/// </summary>
internal static class Esp32Image
{
    private const int HeaderSize = 24;
    private const int SegmentHeaderSize = 8;
    private const int HashSize = 32;

    // Signatures follow an image: 4 KiB of padding and 4 KiB at most (Secure Boot v2). Where a whole flash follows, it
    // is at least 64 KiB: bootloader, partition table, application.
    private const int MostBehind = 64 * 1024;

    /// <param name="cursor">At the image's first byte, which is the magic.</param>
    /// <param name="chip">The chip if it is known otherwise: an ESP8266 has the same layout in its RTOS SDK.</param>
    public static ImageFacts Read(ImageCursor cursor, string? chip = null)
    {
        var head = cursor.Peek(HeaderSize + SegmentHeaderSize + EspAppDescription.Size);
        var format = chip ?? ImageFacts.Esp32;
        if (head.Length < HeaderSize)
            return new ImageFacts(format, chip, Defect: "is cut off within its header.");
        var described = head.Length > HeaderSize + SegmentHeaderSize ? head[(HeaderSize + SegmentHeaderSize)..] : [];
        var description = EspAppDescription.Read(described);
        var facts = new ImageFacts(
            format,
            chip ?? EspChips.NameOf(BinaryPrimitives.ReadUInt16LittleEndian(head[12..])),
            description?.Project,
            description?.Version,
            description?.SecureVersion,
            description?.Sdk);
        return EspAppDescription.IsBootloader(described)
            ? facts with { Defect = "is a bootloader, or a whole flash from its start; upload only the application." }
            : facts with { Defect = Walk(cursor, segments: head[1], hashed: head[HeaderSize - 1] == 1, out var digest), Digest = digest };
    }

    private static string? Walk(ImageCursor cursor, int segments, bool hashed, out string? digest)
    {
        digest = null;
        if (hashed)
            cursor.StartHash();
        cursor.Skip(HeaderSize);
        if (EspSegments.Walk(cursor, segments) is { } defect)
            return defect;
        if (hashed)
        {
            var hash = cursor.EndHash();
            var stored = cursor.Peek(HashSize);
            if (stored.Length < HashSize)
                return "is cut off before its SHA-256.";
            if (!stored.SequenceEqual(hash))
                return "is damaged: its bytes do not have the SHA-256 that stands at its end.";
            digest = Convert.ToHexStringLower(hash);
            cursor.Skip(HashSize);
        }

        return cursor.Skip(MostBehind + 1) <= MostBehind
            ? null
            : string.Create(
                CultureInfo.InvariantCulture,
                $"is followed by more than {MostBehind} other bytes; upload only the application.");
    }
}
