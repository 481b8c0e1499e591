using System.Buffers.Binary;
using System.Globalization;

namespace Ota.Images.Formats;

/// <summary>The part that all of Espressif's images share: segments, a padding, a checksum.</summary>
internal static class EspSegments
{
    /// <summary>First byte of an image that the ROM or the bootloader loads.</summary>
    public const byte Magic = 0xE9;

    /// <summary>The loaders take no more.</summary>
    public const int Most = 16;

    private const byte ChecksumSeed = 0xEF;
    private const int HeaderSize = 8;

    /// <summary>Walks the segments and the checksum behind them; null or the defect.</summary>
    /// <param name="cursor">At the first segment's header; afterwards behind the checksum.</param>
    /// <param name="count">Segments, as the image's header has it.</param>
    /// <param name="checked">False where the builder changes the bytes after summing them.</param>
    public static string? Walk(ImageCursor cursor, int count, bool @checked = true)
    {
        var sum = ChecksumSeed;
        for (var i = 0; i < count; i++)
        {
            if (WalkOne(cursor, out var parity) is { } cut)
                return cut;
            sum ^= parity;
        }

        // Zeros, so that the checksum is the last byte of a block of 16.
        var padding = 15 - cursor.Position % 16;
        if (cursor.Skip(padding) < padding || cursor.Take(1, out var stored) < 1)
            return "is cut off before its checksum.";
        return @checked && stored != sum
            ? string.Create(CultureInfo.InvariantCulture, $"is damaged: its checksum is {sum:x2}, not {stored:x2}.")
            : null;
    }

    /// <summary>Walks one segment; null or the defect.</summary>
    public static string? WalkOne(ImageCursor cursor, out byte parity)
    {
        parity = 0;
        var header = cursor.Peek(HeaderSize);
        if (header.Length < HeaderSize)
            return "is cut off before the end of its segments.";
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        cursor.Skip(HeaderSize);
        var taken = cursor.Take(length, out parity);
        return taken < length
            ? string.Create(
                CultureInfo.InvariantCulture, $"is cut off: a segment of {length} bytes ends after {taken}.")
            : null;
    }
}
