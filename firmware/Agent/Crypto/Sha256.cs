using System;

namespace Ota.Agent;

/// <summary>
/// SHA-256 (FIPS 180-4); the device's libraries have none. About 171 interpreted instructions a byte.
/// </summary>
internal sealed class Sha256
{
    private static readonly uint[] RoundConstants =
    {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    };

    private readonly uint[] _state =
    {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };

    private readonly uint[] _schedule = new uint[64];
    private readonly byte[] _block = new byte[64];
    private int _inBlock;
    private long _length;

    /// <summary>The digest of a whole array, 32 bytes.</summary>
    public static byte[] Of(byte[] data)
    {
        var sha = new Sha256();
        sha.Append(data, 0, data.Length);
        return sha.Finish();
    }

    public void Append(byte[] data, int offset, int count)
    {
        _length += count;
        if (_inBlock > 0)
        {
            var taken = count < 64 - _inBlock ? count : 64 - _inBlock;
            Array.Copy(data, offset, _block, _inBlock, taken);
            _inBlock += taken;
            offset += taken;
            count -= taken;
            if (_inBlock < 64)
                return;
            Compress(_block, 0);
            _inBlock = 0;
        }

        // Whole blocks are compressed where they lie.
        for (; count >= 64; offset += 64, count -= 64)
            Compress(data, offset);
        Array.Copy(data, offset, _block, 0, count);
        _inBlock = count;
    }

    /// <summary>The digest of all that was appended; the object is spent afterwards.</summary>
    public byte[] Finish()
    {
        var bits = _length * 8;
        _block[_inBlock++] = 0x80;
        if (_inBlock > 56)
        {
            Array.Clear(_block, _inBlock, 64 - _inBlock);
            Compress(_block, 0);
            _inBlock = 0;
        }

        Array.Clear(_block, _inBlock, 56 - _inBlock);
        for (var i = 0; i < 8; i++)
            _block[56 + i] = (byte)(bits >> (56 - 8 * i));
        Compress(_block, 0);

        var digest = new byte[32];
        for (var i = 0; i < 32; i++)
            digest[i] = (byte)(_state[i >> 2] >> (24 - 8 * (i & 3)));
        return digest;
    }

    private void Compress(byte[] data, int offset)
    {
        var w = _schedule;
        var k = RoundConstants;
        for (var i = 0; i < 16; i++, offset += 4)
        {
            w[i] = ((uint)data[offset] << 24) | ((uint)data[offset + 1] << 16)
                | ((uint)data[offset + 2] << 8) | data[offset + 3];
        }

        for (var i = 16; i < 64; i++)
        {
            var x = w[i - 15];
            var y = w[i - 2];
            w[i] = w[i - 16] + w[i - 7]
                + (((x >> 7) | (x << 25)) ^ ((x >> 18) | (x << 14)) ^ (x >> 3))
                + (((y >> 17) | (y << 15)) ^ ((y >> 19) | (y << 13)) ^ (y >> 10));
        }

        uint a = _state[0], b = _state[1], c = _state[2], d = _state[3];
        uint e = _state[4], f = _state[5], g = _state[6], h = _state[7];
        for (var i = 0; i < 64; i++)
        {
            var t = h + (((e >> 6) | (e << 26)) ^ ((e >> 11) | (e << 21)) ^ ((e >> 25) | (e << 7)))
                + (g ^ (e & (f ^ g))) + k[i] + w[i];
            h = g;
            g = f;
            f = e;
            e = d + t;
            d = t + (((a >> 2) | (a << 30)) ^ ((a >> 13) | (a << 19)) ^ ((a >> 22) | (a << 10)))
                + ((a & b) | (c & (a | b)));
            // The roles move on: what was computed into d is the new a.
            var rotated = d;
            d = c;
            c = b;
            b = a;
            a = rotated;
        }

        _state[0] += a;
        _state[1] += b;
        _state[2] += c;
        _state[3] += d;
        _state[4] += e;
        _state[5] += f;
        _state[6] += g;
        _state[7] += h;
    }
}
