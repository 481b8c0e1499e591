using System.IO.Compression;
using Ota.Images.Formats;

namespace Ota.Images;

/// <summary>Reads what an image says of itself. Any bytes may be given: what is not understood is <c>raw</c>.</summary>
public static class ImageInspector
{
    // The largest flash an ESP8266 addresses; a gzip that unpacks to more is no update, and maybe an attack.
    private const int MostUnpacked = 16 * 1024 * 1024;

    private const int HeadSize = 32;

    /// <summary>Reads the stream once, in 64 KB of memory (128 KB for a gzip), and blocks meanwhile.</summary>
    /// <param name="image">Seekable; read from where it stands.</param>
    public static ImageFacts Inspect(Stream image)
    {
        Span<byte> magic = stackalloc byte[2];
        var read = image.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false);
        image.Seek(-read, SeekOrigin.Current);
        if (magic.SequenceEqual<byte>([0x1F, 0x8B]))
            return ReadCompressed(image);

        using var cursor = new ImageCursor(image);
        return Read(cursor);
    }

    private static ImageFacts ReadCompressed(Stream image)
    {
        using var unpacked = new GZipStream(image, CompressionMode.Decompress, leaveOpen: true);
        using var cursor = new ImageCursor(unpacked, MostUnpacked + 1);
        var facts = new ImageFacts(ImageFacts.Raw);
        try
        {
            facts = Read(cursor);
            // To the end, where gzip has its CRC.
            cursor.Skip(MostUnpacked);
        }
        catch (InvalidDataException)
        {
            return facts with { Compressed = true, Defect = "is damaged: its gzip cannot be unpacked." };
        }

        return cursor.Position > MostUnpacked
            ? facts with { Compressed = true, Defect = "unpacks to more than 16 MiB." }
            : facts with { Compressed = true };
    }

    // The first reader that knows the bytes takes them.
    private static ImageFacts Read(ImageCursor cursor)
    {
        var head = cursor.Peek(HeadSize);
        if (NanoContainer.Begins(head))
            return NanoContainer.Read(cursor);
        if (NanoImage.Begins(head))
            return NanoImage.Read(cursor);
        if (head.Length < 8 || head[1] is 0 or > EspSegments.Most)
            return new ImageFacts(ImageFacts.Raw);
        return head[0] switch
        {
            Esp8266Image.SecondKindMagic => Esp8266Image.Read(cursor),
            EspSegments.Magic when Esp8266Image.HasShortHeader(head) => Esp8266Image.Read(cursor),
            EspSegments.Magic when Esp8266Image.HasLongHeader(head) => Esp32Image.Read(cursor, ImageFacts.Esp8266),
            EspSegments.Magic => Esp32Image.Read(cursor),
            _ => new ImageFacts(ImageFacts.Raw),
        };
    }
}
