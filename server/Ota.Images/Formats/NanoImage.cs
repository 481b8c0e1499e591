using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Ota.Images.Formats;

/// <summary>
/// One or more .NET nanoFramework assemblies (.pe), as a deployment has them: one behind the other, each on a boundary
/// of four bytes (nf-interpreter, struct CLR_RECORD_ASSEMBLY in src/CLR/Include/nanoCLR_Types.h and GoodAssembly in
/// src/CLR/Core/TypeSystem.cpp).
/// </summary>
internal static class NanoImage
{
    // A device has room for far fewer.
    private const int MostAssemblies = 1024;
    private const int HeaderCrc = 8;
    private const int AssemblyCrc = 12;

    // Offsets within the header; v2 came with generics and two more tables.
    private sealed record Layout(int HeaderSize, int Version, int Name, int Strings, int Size);

    private static readonly Layout First = new(HeaderSize: 124, Version: 28, Name: 36, Strings: 84, Size: 100);
    private static readonly Layout Second = new(HeaderSize: 128, Version: 24, Name: 32, Strings: 88, Size: 104);

    public static bool Begins(ReadOnlySpan<byte> head) => LayoutOf(head) is not null;

    /// <param name="cursor">At the first assembly's marker.</param>
    public static ImageFacts Read(ImageCursor cursor)
    {
        var facts = new ImageFacts(ImageFacts.Nano);
        for (var count = 1; count <= MostAssemblies; count++)
        {
            var assembly = ReadAssembly(cursor);
            // Which of several is the application, a deployment does not say.
            facts = count == 1 ? assembly : facts with { Project = null, Version = null, Defect = assembly.Defect };
            if (facts.Defect is not null)
                return facts;
            cursor.Skip(-cursor.Position & 3);
            if (!Begins(cursor.Peek(HeaderCrc)))
                return facts;
        }

        return facts with { Defect = $"has more than {MostAssemblies} assemblies." };
    }

    private static Layout? LayoutOf(ReadOnlySpan<byte> head) =>
        head.StartsWith("NFMRK1\0"u8) ? First : head.StartsWith("NFMRK2\0"u8) ? Second : null;

    /// <summary>Reads one assembly and nothing behind it.</summary>
    /// <param name="cursor">At its marker, which <see cref="Begins"/> has seen; afterwards behind its last byte.</param>
    public static ImageFacts ReadAssembly(ImageCursor cursor)
    {
        // One look for all of it: the next one may move the bytes.
        var bytes = cursor.Peek(ImageCursor.Window);
        var layout = LayoutOf(bytes)!;
        if (bytes.Length < layout.HeaderSize)
            return Broken("is cut off within an assembly's header.");
        var header = bytes[..layout.HeaderSize];
        var size = BinaryPrimitives.ReadUInt32LittleEndian(header[layout.Size..]);
        if (size < layout.HeaderSize || !HasCrcOfHeader(header))
            return Broken("is damaged: an assembly's header does not have the CRC that stands in it.");

        var facts = new ImageFacts(
            ImageFacts.Nano, Project: NameIn(bytes, layout), Version: VersionIn(header[layout.Version..]));
        var expected = BinaryPrimitives.ReadUInt32LittleEndian(header[AssemblyCrc..]);
        cursor.Skip(layout.HeaderSize);
        return CrcOf(cursor, size - layout.HeaderSize) switch
        {
            null => facts with { Defect = "is cut off within an assembly." },
            var crc when crc != expected =>
                facts with { Defect = "is damaged: an assembly does not have the CRC that stands in it." },
            _ => facts,
        };
    }

    private static ImageFacts Broken(string defect) => new(ImageFacts.Nano, Defect: defect);

    // Null when there are fewer bytes.
    private static uint? CrcOf(ImageCursor cursor, long count)
    {
        var crc = 0u;
        while (count > 0)
        {
            var bytes = cursor.Peek((int)Math.Min(count, ImageCursor.Window));
            if (bytes.IsEmpty)
                return null;
            crc = NanoCrc.Append(crc, bytes);
            count -= cursor.Skip(bytes.Length);
        }

        return crc;
    }

    private static bool HasCrcOfHeader(ReadOnlySpan<byte> header)
    {
        Span<byte> blanked = stackalloc byte[header.Length];
        header.CopyTo(blanked);
        blanked[HeaderCrc..AssemblyCrc].Clear();
        return NanoCrc.Append(0, blanked) == BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderCrc..]);
    }

    private static string VersionIn(ReadOnlySpan<byte> version) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Number(version, 0)}.{Number(version, 2)}.{Number(version, 4)}.{Number(version, 6)}");

    private static ushort Number(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    // Null when the name is one of the strings that the device has built in, or lies beyond what we look at.
    private static string? NameIn(ReadOnlySpan<byte> bytes, Layout layout)
    {
        var at = BinaryPrimitives.ReadUInt32LittleEndian(bytes[layout.Strings..]) + (long)Number(bytes, layout.Name);
        if (at >= bytes.Length)
            return null;
        var rest = bytes[(int)at..];
        var length = rest.IndexOf((byte)0);
        return length is > 0 and <= 255 && rest[..length].IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0
            ? Encoding.ASCII.GetString(rest[..length])
            : null;
    }
}
