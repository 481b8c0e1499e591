using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.Tests.Images;

/// <summary>
/// Builds application images as esptool's elf2image and ESP-IDF do: a valid one unless told otherwise.
/// </summary>
internal sealed record AnEspImage
{
    private const uint FlashData = 0x3F400020;
    private const uint FlashCode = 0x400D0020;

    public ushort ChipId { get; init; }

    public uint Entry { get; init; } = 0x40081234;

    public string Version { get; init; } = "1.1.0";

    public string Project { get; init; } = "thermostat";

    public uint SecureVersion { get; init; }

    public bool Described { get; init; } = true;

    public bool Hashed { get; init; } = true;

    public (uint Address, int Length)[] Segments { get; init; } =
        [(FlashData, 2000), (0x3FFB0000, 512), (FlashCode, 70_000)];

    public byte[] Build()
    {
        List<byte> image = [0xE9, (byte)Segments.Length, 2, 0x20, .. Word(Entry), 0xEE, 0, 0, 0];
        image.AddRange([(byte)ChipId, (byte)(ChipId >> 8), 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, (byte)(Hashed ? 1 : 0)]);
        AddSegments(image, Segments, first: Described ? Description() : []);
        if (Hashed)
            image.AddRange(SHA256.HashData(image.ToArray()));
        return [.. image];
    }

    /// <summary>
    /// As esp8266/Arduino's elf2bin makes it: eboot, padded to 4 KiB, then the sketch, then a CRC into the sketch.
    /// </summary>
    public static byte[] Esp8266Arduino()
    {
        List<byte> image = [.. Esp8266((0x4010F000, 1000))];
        image.AddRange(Enumerable.Repeat((byte)0xAA, 4096 - image.Count));
        image.AddRange(Esp8266((0x40201010, 40_000), (0x40100000, 1024), (0x3FFE8000, 800)));
        Put(image, 4096 + 16, (uint)image.Count);
        Put(image, 4096 + 20, 0x12345678);
        return [.. image];
    }

    /// <summary>An image of the first kind, which the ROM loads.</summary>
    public static byte[] Esp8266(params (uint Address, int Length)[] segments)
    {
        List<byte> image = [0xE9, (byte)segments.Length, 2, 0x40, .. Word(0x40100004)];
        AddSegments(image, segments, first: []);
        return [.. image];
    }

    /// <summary>
    /// An image of the non-OS SDK's second kind: code to run from flash, then one of the first kind, then a CRC.
    /// </summary>
    public static byte[] Esp8266SecondKind()
    {
        List<byte> image = [0xEA, 4, 2, 0x40, .. Word(0x40100004), .. Word(0), .. Word(3200), .. AnImage.Of(3200)];
        image.AddRange(Esp8266((0x40100000, 1024), (0x3FFE8000, 800)));
        image.AddRange(Word(0xCAFEBABE));
        return [.. image];
    }

    public static byte[] Gzip(byte[] image)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
            gzip.Write(image);
        return packed.ToArray();
    }

    private static void AddSegments(List<byte> image, (uint Address, int Length)[] segments, byte[] first)
    {
        byte sum = 0xEF;
        foreach (var (index, (address, length)) in segments.Index())
        {
            var content = AnImage.Of(length, seed: index);
            if (index == 0)
                first.CopyTo(content, 0);
            image.AddRange([.. Word(address), .. Word((uint)length), .. content]);
            foreach (var b in content)
                sum ^= b;
        }

        image.AddRange(new byte[15 - image.Count % 16]);
        image.Add(sum);
    }

    private byte[] Description()
    {
        var description = new byte[256];
        Word(0xABCD5432).CopyTo(description, 0);
        Word(SecureVersion).CopyTo(description, 4);
        Encoding.ASCII.GetBytes(Version).CopyTo(description, 16);
        Encoding.ASCII.GetBytes(Project).CopyTo(description, 48);
        "v5.1.4"u8.CopyTo(description.AsSpan(112));
        return description;
    }

    private static void Put(List<byte> image, int at, uint value) =>
        Word(value).CopyTo(CollectionsMarshal.AsSpan(image)[at..]);

    private static byte[] Word(uint value)
    {
        var word = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        return word;
    }
}
