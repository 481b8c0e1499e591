using System.Buffers;
using Ota.Signing;

namespace Ota.Server.Images;

/// <summary>
/// Uploads on their way in, a temporary file each. What a killed process leaves there is removed at the next start.
/// </summary>
internal sealed class IncomingFolder
{
    /// <summary>Bytes kept of an upload's beginning.</summary>
    public const int HeadSize = 4096;

    // Below the large object heap's threshold; larger ones were no faster.
    private const int BufferSize = 64 * 1024;

    private readonly string _path;

    /// <param name="images">The folder of images, in which this one is; both are made when they are not there.</param>
    /// <param name="server">Tells apart the servers that share it; empty where there is one.</param>
    public IncomingFolder(string images, string server = "")
    {
        _path = Path.Combine(images, ".incoming", server);
        Directory.CreateDirectory(_path);
    }

    /// <returns>How many were removed.</returns>
    public int RemoveLeftovers()
    {
        var leftovers = Directory.GetFiles(_path);
        foreach (var leftover in leftovers)
            File.Delete(leftover);
        return leftovers.Length;
    }

    /// <inheritdoc cref="IImageStore.StageAsync"/>
    public async Task<StageResult> StageAsync(
        Stream source, ImageDescription stated, long limit, CancellationToken cancellation)
    {
        if (stated.Size > limit)
            return new StageResult(Image: null, StageRefusal.LargerThanAllowed);

        var path = Path.Combine(_path, Guid.NewGuid().ToString("N"));
        StagedImage? staged = null;
        try
        {
            staged = await ReceiveAsync(source, stated, path, cancellation);
            return staged is null
                ? new StageResult(Image: null, StageRefusal.LongerThanStated)
                : new StageResult(staged, Refusal: null);
        }
        catch (IOException fault) when (StorageFullException.Explains(fault))
        {
            throw new StorageFullException(fault);
        }
        finally
        {
            if (staged is null)
                File.Delete(path);
        }
    }

    // Null when there are more bytes than stated.
    private static async Task<StagedImage?> ReceiveAsync(
        Stream source, ImageDescription stated, string path, CancellationToken cancellation)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        using var digests = new ImageDigests(stated.Size);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        try
        {
            byte[] head = [];
            int read;
            // Whole buffers, although a request hands out a few KB at a time: fewer and larger writes. Never more than
            // one byte beyond what was announced, so that a sender who stalls there is found out all the same.
            while ((read = await source.ReadAtLeastAsync(
                buffer.AsMemory(0, Wanted()), Wanted(), throwOnEndOfStream: false, cancellation)) > 0)
            {
                if (digests.Size + read > stated.Size)
                    return null;
                if (digests.Size == 0)
                    head = buffer[..Math.Min(read, HeadSize)];
                await RandomAccess.WriteAsync(file, buffer.AsMemory(0, read), digests.Size, cancellation);
                digests.Append(buffer.AsSpan(0, read));
            }

            return new StagedImage(path, digests.Describe(stated.Format), head);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        int Wanted() => (int)Math.Min(BufferSize, stated.Size - digests.Size + 1);
    }
}
