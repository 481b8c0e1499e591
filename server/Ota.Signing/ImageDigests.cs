using System.Buffers.Text;
using System.Security.Cryptography;

namespace Ota.Signing;

/// <summary>Digests of an image in one pass over its bytes; holds one chunk state, never the image.</summary>
public sealed class ImageDigests : IDisposable
{
    private const int SmallestChunk = 4096;
    private const int MostChunks = 128;

    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash _md5 = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
    private readonly IncrementalHash _chunk = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, ChunkKey);
    private readonly List<string> _chunks = [];
    private readonly int _chunkSize;
    private int _inChunk;
    private long _size;

    /// <param name="size">The image's size in bytes as announced; it decides the chunk size.</param>
    public ImageDigests(long size) => _chunkSize = ChunkSizeFor(size);

    /// <summary>The public key of the chunk digests: 12 ASCII bytes.</summary>
    public static byte[] ChunkKey { get; } = "ota-chunk-v1"u8.ToArray();

    /// <summary>Bytes a chunk: 4096, doubled until there are at most 128 chunks.</summary>
    public static int ChunkSizeFor(long size)
    {
        var chunkSize = SmallestChunk;
        while ((size + chunkSize - 1) / chunkSize > MostChunks && chunkSize <= int.MaxValue / 2)
            chunkSize *= 2;
        return chunkSize;
    }

    /// <summary>Bytes seen so far.</summary>
    public long Size => _size;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        _size += bytes.Length;
        _sha256.AppendData(bytes);
        _md5.AppendData(bytes);
        while (!bytes.IsEmpty)
        {
            var taken = Math.Min(bytes.Length, _chunkSize - _inChunk);
            _chunk.AppendData(bytes[..taken]);
            _inChunk += taken;
            bytes = bytes[taken..];
            if (_inChunk == _chunkSize)
                EndChunk();
        }
    }

    /// <summary>The description of all that was appended.</summary>
    public ImageDescription Describe(string format)
    {
        if (_inChunk > 0)
            EndChunk();
        return new ImageDescription(
            format,
            _size,
            Convert.ToHexStringLower(_sha256.GetHashAndReset()),
            Convert.ToHexStringLower(_md5.GetHashAndReset()),
            _chunkSize,
            _chunks);
    }

    /// <summary>Reads a stream to its end; <paramref name="progress"/> is told the bytes read so far.</summary>
    public static async Task<ImageDescription> OfAsync(
        Stream stream, long size, string format, IProgress<long>? progress, CancellationToken cancellation)
    {
        using var digests = new ImageDigests(size);
        var buffer = new byte[64 * 1024];
        int read;
        while ((read = await stream.ReadAsync(buffer, cancellation)) > 0)
        {
            digests.Append(buffer.AsSpan(0, read));
            progress?.Report(digests.Size);
        }

        return digests.Describe(format);
    }

    public void Dispose()
    {
        _sha256.Dispose();
        _md5.Dispose();
        _chunk.Dispose();
    }

    private void EndChunk()
    {
        _chunks.Add(Base64Url.EncodeToString(_chunk.GetHashAndReset()));
        _inChunk = 0;
    }
}
