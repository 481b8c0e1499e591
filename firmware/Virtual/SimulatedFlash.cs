namespace Ota.Virtual;

/// <summary>The power went in the middle of a flash operation. Nothing but the simulator may catch this.</summary>
internal sealed class PowerCutException : Exception
{
    public PowerCutException()
        : base("The power was cut.")
    {
    }
}

/// <summary>What a power cut leaves of the operation it hits.</summary>
/// <param name="Operation">
/// The operation it hits, counted from 1 since <see cref="SimulatedFlash.Operations"/> was 0.
/// </param>
/// <param name="Done">Bytes of the operation that still happen, as a prefix; all of them if it has fewer.</param>
/// <param name="NoiseSeed">
/// When set, the erase block that was being worked on is left as half-done cells read: random behind the prefix, single
/// flipped bits in it.
/// </param>
internal sealed record PowerCut(long Operation, int Done, int? NoiseSeed = null)
{
    /// <summary>As it is written down to be replayed: <c>operation:bytes[:seed]</c>.</summary>
    public override string ToString() => NoiseSeed is null ? $"{Operation}:{Done}" : $"{Operation}:{Done}:{NoiseSeed}";
}

/// <summary>
/// NOR flash: erasing sets a whole block to ones, programming only ever clears bits, each operation can be torn by a
/// power cut, and every one is counted.
/// </summary>
internal sealed class SimulatedFlash(FlashStore store)
{
    /// <summary>Bytes of an erase block.</summary>
    public const int Block = 4096;

    /// <summary>Erases and programs so far.</summary>
    public long Operations { get; private set; }

    /// <summary>Erased blocks so far.</summary>
    public long Erases { get; private set; }

    /// <summary>Bytes programmed so far.</summary>
    public long Programmed { get; private set; }

    /// <summary>When set, the bytes of every operation are noted here.</summary>
    public List<int>? Trace { get; set; }

    /// <summary>The next power cut, or null for none.</summary>
    public PowerCut? Cut { get; set; }

    public void Read(int offset, Span<byte> into) => store.Read(offset, into);

    /// <summary>Sets the block at <paramref name="offset"/>, a multiple of <see cref="Block"/>, to ones.</summary>
    public void Erase(int offset)
    {
        Span<byte> ones = stackalloc byte[Block];
        ones.Fill(0xff);
        Erases++;
        Apply(offset, ones);
    }

    /// <summary>Clears the bits that are zero in <paramref name="bytes"/>; on erased flash that writes them.</summary>
    public void Program(int offset, ReadOnlySpan<byte> bytes)
    {
        var result = new byte[bytes.Length];
        store.Read(offset, result);
        for (var i = 0; i < result.Length; i++)
            result[i] &= bytes[i];
        Programmed += bytes.Length;
        Apply(offset, result);
    }

    /// <summary>Erases what the range touches and programs it.</summary>
    public void Replace(int offset, ReadOnlySpan<byte> bytes)
    {
        for (var at = offset; at < offset + bytes.Length; at += Block)
            Erase(at);
        Program(offset, bytes);
    }

    /// <summary>Lets go of the file, if there is one, until the next use.</summary>
    public void Rest() => store.Rest();

    private void Apply(int offset, ReadOnlySpan<byte> bytes)
    {
        Operations++;
        Trace?.Add(bytes.Length);
        if (Cut is not { } cut || cut.Operation != Operations)
        {
            store.Write(offset, bytes);
            return;
        }

        Cut = null;
        var done = Math.Min(bytes.Length, cut.Done);
        store.Write(offset, bytes[..done]);
        if (cut.NoiseSeed is { } seed)
            Disturb(offset, Math.Min(done, bytes.Length - 1), bytes, new Random(seed));
        throw new PowerCutException();
    }

    // The block that byte "at" of the operation lies in, as far as the operation reaches.
    private void Disturb(int offset, int at, ReadOnlySpan<byte> bytes, Random random)
    {
        var block = (offset + at) / Block * Block;
        var first = Math.Max(block, offset);
        var last = Math.Min(block + Block, offset + bytes.Length);
        var left = new byte[last - first];
        random.NextBytes(left);
        for (var i = 0; i < left.Length && first + i < offset + at; i++)
        {
            var flip = left[i] < 16 ? (byte)(1 << (left[i] & 7)) : (byte)0;
            left[i] = (byte)(bytes[first + i - offset] ^ flip);
        }

        store.Write(first, left);
    }
}
