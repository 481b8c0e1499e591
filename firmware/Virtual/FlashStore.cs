using Microsoft.Win32.SafeHandles;

namespace Ota.Virtual;

/// <summary>Where the bytes of a simulated flash are kept. Fresh flash reads 0xFF.</summary>
internal abstract class FlashStore : IDisposable
{
    public abstract void Read(int offset, Span<byte> into);

    public abstract void Write(int offset, ReadOnlySpan<byte> bytes);

    /// <summary>Lets go of what is held between uses; the next use takes it up again.</summary>
    public virtual void Rest()
    {
    }

    public void Dispose() => Rest();
}

/// <summary>Flash in memory, for tests that live through it thousands of times.</summary>
internal sealed class MemoryFlashStore : FlashStore
{
    private readonly byte[] _bytes;

    public MemoryFlashStore(int size)
    {
        _bytes = new byte[size];
        Array.Fill(_bytes, (byte)0xff);
    }

    private MemoryFlashStore(byte[] bytes) => _bytes = bytes;

    public MemoryFlashStore Clone() => new([.. _bytes]);

    public override void Read(int offset, Span<byte> into) => _bytes.AsSpan(offset, into.Length).CopyTo(into);

    public override void Write(int offset, ReadOnlySpan<byte> bytes) => bytes.CopyTo(_bytes.AsSpan(offset));
}

/// <summary>
/// Flash in a file, written through at once: killing the process is a power cut. The bits are stored inverted, so that
/// erased flash is zeros and a file of many megabytes takes only the disk its images need.
/// </summary>
internal sealed class FileFlashStore(string path) : FlashStore
{
    private const int Piece = 64 * 1024;
    private SafeFileHandle? _file;

    public override void Read(int offset, Span<byte> into)
    {
        var read = 0;
        int more;
        while (read < into.Length && (more = RandomAccess.Read(Open(), into[read..], offset + read)) > 0)
            read += more;
        into[read..].Clear();
        for (var i = 0; i < into.Length; i++)
            into[i] ^= 0xff;
    }

    public override void Write(int offset, ReadOnlySpan<byte> bytes)
    {
        var inverted = new byte[Math.Min(bytes.Length, Piece)];
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(bytes.Length, Piece);
            for (var i = 0; i < count; i++)
                inverted[i] = (byte)~bytes[i];
            RandomAccess.Write(Open(), inverted.AsSpan(0, count), offset);
            offset += count;
            bytes = bytes[count..];
        }
    }

    // A fleet has more devices than a process may have open files.
    public override void Rest()
    {
        _file?.Dispose();
        _file = null;
    }

    private SafeFileHandle Open() =>
        _file ??= File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
}
