using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Ota.Images.Formats;

/// <summary>
/// Reads an image once, front to back, in a fixed buffer: what a reader needs and a gzip stream can give.
/// </summary>
/// <param name="image">Read from where it stands; not disposed.</param>
/// <param name="limit">Bytes after which the image counts as ended, however much follows.</param>
internal sealed class ImageCursor(Stream image, long limit = long.MaxValue) : IDisposable
{
    /// <summary>The most that can be peeked at, in bytes.</summary>
    public const int Window = 64 * 1024;

    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(Window);
    private int _start;
    private int _end;
    private IncrementalHash? _hash;

    /// <summary>Bytes taken so far.</summary>
    public long Position { get; private set; }

    /// <summary>The next bytes without taking them; fewer than asked for only at the end of the image.</summary>
    public ReadOnlySpan<byte> Peek(int count)
    {
        if (_end - _start < count)
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
            var room = (int)Math.Min(Window - _end, limit - Position - _end);
            _end += image.ReadAtLeast(
                _buffer.AsSpan(_end, room), Math.Min(count - _end, room), throwOnEndOfStream: false);
        }

        return _buffer.AsSpan(_start, Math.Min(count, _end - _start));
    }

    /// <summary>Takes up to <paramref name="count"/> bytes; says how many there were.</summary>
    public long Skip(long count) => Take(count, out _);

    /// <summary>Takes up to <paramref name="count"/> bytes and gives the exclusive-or of them all.</summary>
    public long Take(long count, out byte parity)
    {
        var taken = 0L;
        var words = 0UL;
        parity = 0;
        while (taken < count)
        {
            var bytes = Peek((int)Math.Min(count - taken, Window));
            if (bytes.IsEmpty)
                break;
            _hash?.AppendData(bytes);
            foreach (var word in MemoryMarshal.Cast<byte, ulong>(bytes))
                words ^= word;
            foreach (var rest in bytes[(bytes.Length & ~7)..])
                parity ^= rest;
            _start += bytes.Length;
            Position += bytes.Length;
            taken += bytes.Length;
        }

        for (; words != 0; words >>= 8)
            parity ^= (byte)words;
        return taken;
    }

    /// <summary>From here on all that is taken is hashed with SHA-256.</summary>
    public void StartHash() => StartHash(IncrementalHash.CreateHash(HashAlgorithmName.SHA256));

    /// <summary>From here on all that is taken goes into this hash, which is disposed when it ends.</summary>
    public void StartHash(IncrementalHash hash) => _hash = hash;

    /// <summary>The hash of what was taken since it was started.</summary>
    public byte[] EndHash()
    {
        using var hash = _hash!;
        _hash = null;
        return hash.GetHashAndReset();
    }

    public void Dispose()
    {
        _hash?.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }
}
