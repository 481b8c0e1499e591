namespace Ota.Images.Formats;

/// <summary>nanoFramework's CRC: polynomial 0x04C11DB7, highest bit first, from 0, nothing inverted.</summary>
internal static class NanoCrc
{
    private static readonly uint[] Table = Make();

    public static uint Append(uint crc, ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
            crc = Table[(crc >> 24) ^ b] ^ (crc << 8);
        return crc;
    }

    private static uint[] Make()
    {
        var table = new uint[256];
        for (var i = 0u; i < table.Length; i++)
        {
            var crc = i << 24;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc << 1) ^ ((crc >> 31) * 0x04C11DB7);
            table[i] = crc;
        }

        return table;
    }
}
