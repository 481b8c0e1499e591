using System.Buffers.Binary;
using System.Text;

namespace Ota.Server.Tests.Images;

/// <summary>
/// Builds a nanoFramework assembly as its metadata processor does: header, tables, and the two CRCs, here in their
/// textbook form, bit by bit.
/// </summary>
internal sealed record ANanoAssembly
{
    public bool Second { get; init; }

    public string Name { get; init; } = "Thermostat";

    public Version Version { get; init; } = new(1, 2, 3, 4);

    public int Body { get; init; } = 5000;

    public byte[] Build()
    {
        var headerSize = Second ? 128 : 124;
        var names = Encoding.ASCII.GetBytes("Program\0" + Name + "\0");
        byte[] body = [.. AnImage.Of(Body), .. names];
        var pe = new byte[headerSize + body.Length];
        (Second ? "NFMRK2"u8 : "NFMRK1"u8).CopyTo(pe);
        body.CopyTo(pe, headerSize);

        var at = Second ? 24 : 28;
        foreach (var number in (int[])[Version.Major, Version.Minor, Version.Build, Version.Revision])
        {
            BinaryPrimitives.WriteUInt16LittleEndian(pe.AsSpan(at), (ushort)number);
            at += 2;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(pe.AsSpan(at), (ushort)"Program\0".Length);
        BinaryPrimitives.WriteUInt16LittleEndian(pe.AsSpan(at + 2), 1);
        var tables = Second ? 36 : 40;
        Put(pe, tables + (Second ? 13 : 11) * 4, (uint)(headerSize + Body));
        Put(pe, tables + (Second ? 17 : 15) * 4, (uint)pe.Length);
        Put(pe, 12, Crc(pe.AsSpan(headerSize)));
        Put(pe, 8, Crc(pe.AsSpan(0, headerSize)));
        return pe;
    }

    /// <summary>Several as a deployment has them, each on a boundary of four bytes.</summary>
    public static byte[] Deployment(params ANanoAssembly[] assemblies)
    {
        List<byte> image = [];
        foreach (var assembly in assemblies)
        {
            image.AddRange(new byte[-image.Count & 3]);
            image.AddRange(assembly.Build());
        }

        return [.. image];
    }

    private static void Put(byte[] bytes, int at, uint value) =>
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);

    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = 0u;
        foreach (var b in bytes)
        {
            for (var bit = 7; bit >= 0; bit--)
            {
                var carry = (crc >> 31) ^ (uint)(b >> bit & 1);
                crc <<= 1;
                if (carry != 0)
                    crc ^= 0x04C11DB7;
            }
        }

        return crc;
    }
}
