using System;

namespace Ota.Agent;

/// <summary>
/// A slot image: an application as several assemblies, the entry last (docs/protocol.md §5). Nothing of it is believed
/// before the HMAC that covers it was found good.
/// </summary>
internal sealed class NanoContainer
{
    private const int MostMembers = 16;
    private const int MarkSize = 8;
    private const int HeaderSize = 16;
    private const int EntrySize = 4 + DigestSize;
    private const int DigestSize = 32;

    private static readonly byte[] Mark =
    {
        (byte)'O', (byte)'T', (byte)'A', (byte)'S', (byte)'L', (byte)'O', (byte)'T', (byte)'1',
    };

    // The ASCII bytes "ota-slot-v1" and "ota-member-v1".
    private static readonly byte[] HeaderKey =
    {
        (byte)'o', (byte)'t', (byte)'a', (byte)'-', (byte)'s', (byte)'l', (byte)'o', (byte)'t',
        (byte)'-', (byte)'v', (byte)'1',
    };

    private static readonly byte[] MemberKey =
    {
        (byte)'o', (byte)'t', (byte)'a', (byte)'-', (byte)'m', (byte)'e', (byte)'m', (byte)'b', (byte)'e', (byte)'r',
        (byte)'-', (byte)'v', (byte)'1',
    };

    private readonly ISlot _slot;
    private readonly byte[] _header;
    private readonly int[] _offsets;

    private NanoContainer(ISlot slot, byte[] header, int[] offsets)
    {
        _slot = slot;
        _header = header;
        _offsets = offsets;
    }

    /// <summary>Assemblies in it.</summary>
    public int Count => _offsets.Length - 1;

    /// <summary>
    /// Reads the header, at most 624 bytes; null when it is not whole or does not describe exactly this many bytes.
    /// </summary>
    public static NanoContainer Open(ISlot slot, long size)
    {
        var start = new byte[HeaderSize];
        if (size < HeaderSize || !slot.Read(0, start))
            return null;
        var reader = new ByteReader(start);
        var marked = Mac.Same(Mark, reader.Raw(MarkSize), 0);
        var stated = reader.UInt();
        var count = (int)reader.UInt();
        if (!marked || stated != size || count < 1 || count > MostMembers)
            return null;

        var covered = HeaderSize + count * EntrySize;
        var header = new byte[covered + DigestSize];
        if (size < header.Length || !slot.Read(0, header) || !IsWhole(header, covered))
            return null;
        var offsets = Offsets(header, count);
        return offsets[count] == size ? new NanoContainer(slot, header, offsets) : null;
    }

    /// <summary>One assembly in an array of just its length; null when a byte of it is not as it was packed.</summary>
    public byte[] Member(int index)
    {
        var member = new byte[_offsets[index + 1] - _offsets[index]];
        var whole = _slot.Read(_offsets[index], member)
            && Mac.Same(Mac.Of(MemberKey, member), _header, HeaderSize + index * EntrySize + 4);
        return whole ? member : null;
    }

    private static bool IsWhole(byte[] header, int covered)
    {
        var bytes = new byte[covered];
        Array.Copy(header, 0, bytes, 0, covered);
        return Mac.Same(Mac.Of(HeaderKey, bytes), header, covered);
    }

    // Where each member begins, and behind them the end of the last; sums that no slot can hold end as -1.
    private static int[] Offsets(byte[] header, int count)
    {
        var offsets = new int[count + 1];
        var reader = new ByteReader(header);
        reader.Raw(HeaderSize);
        long at = header.Length;
        for (var i = 0; i < count; i++)
        {
            offsets[i] = (int)at;
            at += reader.UInt();
            if (at > int.MaxValue)
            {
                offsets[count] = -1;
                return offsets;
            }

            reader.Raw(DigestSize);
        }

        offsets[count] = (int)at;
        return offsets;
    }
}
