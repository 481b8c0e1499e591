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
/// <param name="Done">Share of the operation that still happens, 0 to 1, as a prefix of its bytes.</param>
/// <param name="NoiseSeed">
/// When set, the byte range behind the prefix gets random bits, as half-erased cells read.
/// </param>
internal sealed record PowerCut(long Operation, double Done = 0.5, int? NoiseSeed = null);

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
        if (Cut is not { } cut || cut.Operation != Operations)
        {
            store.Write(offset, bytes);
            return;
        }

        Cut = null;
        var done = (int)(bytes.Length * cut.Done);
        store.Write(offset, bytes[..done]);
        if (cut.NoiseSeed is { } seed && done < bytes.Length)
        {
            var noise = new byte[bytes.Length - done];
            new Random(seed).NextBytes(noise);
            store.Write(offset + done, noise);
        }

        throw new PowerCutException();
    }
}
