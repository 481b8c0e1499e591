using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>Firmware as the ESP8266's tools write it: one segment that the ROM loads, and the sum at its end.</summary>
internal static class AnEsp8266Image
{
    /// <summary>Another one each time.</summary>
    public static byte[] Bytes()
    {
        var data = RandomNumberGenerator.GetBytes(4_096);
        List<byte> image = [0xE9, 1, 2, 0x40, .. Word(0x40100004), .. Word(0x40100000), .. Word((uint)data.Length), .. data];
        image.AddRange(new byte[15 - (image.Count % 16)]);
        return [.. image, data.Aggregate((byte)0xEF, (sum, next) => (byte)(sum ^ next))];
    }

    private static byte[] Word(uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, value);
        return bytes;
    }
}
