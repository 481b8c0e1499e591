namespace Ota.Server.Tests.Images;

/// <summary>
/// A request body: not seekable, in pieces as small as wanted, and made to break on the way when asked.
/// </summary>
/// <param name="length">Bytes in all.</param>
/// <param name="piece">Bytes that a read gives at most.</param>
/// <param name="bytes">What they are; zeros when null.</param>
internal sealed class UploadStream(long length, int piece, byte[]? bytes = null) : Stream
{
    public UploadStream(byte[] bytes)
        : this(bytes.Length, piece: 1, bytes)
    {
    }

    /// <summary>Bytes read so far.</summary>
    public long Given { get; private set; }

    /// <summary>Called after each piece with the bytes read so far.</summary>
    public Action<long> OnPiece { get; init; } = _ => { };

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var given = (int)Math.Min(Math.Min(buffer.Length, piece), length - Given);
        if (bytes is null)
            buffer.Span[..given].Clear();
        else
            bytes.AsSpan((int)Given, given).CopyTo(buffer.Span);
        Given += given;
        OnPiece(Given);
        return ValueTask.FromResult(given);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }
}
