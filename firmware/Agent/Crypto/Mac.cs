using System.Security.Cryptography;

namespace Ota.Agent;

/// <summary>HMAC-SHA256, which the device has in native code under the same name as the host.</summary>
internal static class Mac
{
    /// <summary>The public key of the chunk digests, the ASCII bytes <c>ota-chunk-v1</c>.</summary>
    public static readonly byte[] ChunkKey =
    {
        (byte)'o', (byte)'t', (byte)'a', (byte)'-', (byte)'c', (byte)'h',
        (byte)'u', (byte)'n', (byte)'k', (byte)'-', (byte)'v', (byte)'1',
    };

    /// <summary>32 bytes.</summary>
    public static byte[] Of(byte[] key, byte[] data) => HMACSHA256.HashData(key, data);

    /// <summary>
    /// True when <paramref name="expected"/> stands in <paramref name="all"/> at <paramref name="offset"/>; takes the
    /// same time either way.
    /// </summary>
    public static bool Same(byte[] expected, byte[] all, int offset)
    {
        if (all.Length - offset < expected.Length)
            return false;
        var difference = 0;
        for (var i = 0; i < expected.Length; i++)
            difference |= expected[i] ^ all[offset + i];
        return difference == 0;
    }
}
