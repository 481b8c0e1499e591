using System.Buffers;
using Microsoft.Win32.SafeHandles;
using Ota.Signing;

namespace Ota.Server.Images;

/// <summary>
/// Images on disk, named by their SHA-256 (<c>ab/ab12…</c>). A name appears only once all its bytes are on disk, so a
/// power cut leaves an image whole or absent; what was on its way is left under <c>.incoming</c> and removed at the
/// next start.
/// </summary>
internal sealed class ImageStore
{
    /// <summary>Bytes kept of an upload's beginning.</summary>
    public const int HeadSize = 4096;

    // Below the large object heap's threshold; larger ones were no faster.
    private const int BufferSize = 64 * 1024;

    private readonly string _root;
    private readonly string _incoming;

    /// <param name="root">The folder; made when it is not there.</param>
    public ImageStore(string root)
    {
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        _incoming = Path.Combine(_root, ".incoming");
        var isNew = !Directory.Exists(_root);
        Directory.CreateDirectory(_incoming);
        if (isNew && Path.GetDirectoryName(_root) is { } parent)
            Durability.SyncFolder(parent);
    }

    /// <summary>Removes what a killed process left half-written. Call once, before the first upload is taken.</summary>
    /// <returns>How many were removed.</returns>
    public int RemoveLeftovers()
    {
        var leftovers = Directory.GetFiles(_incoming);
        foreach (var leftover in leftovers)
            File.Delete(leftover);
        return leftovers.Length;
    }

    /// <summary>
    /// Takes an upload in: hashes it while it is written to a temporary file, and stops at the first byte too many. A
    /// shorter upload is no refusal here: its description differs from the stated one.
    /// </summary>
    /// <param name="source">The bytes; read once, to the end or to the first byte too many.</param>
    /// <param name="stated">What the statement announces; its size decides the chunk size.</param>
    /// <param name="limit">The largest image this server takes, in bytes.</param>
    /// <exception cref="StorageFullException">There is no room; nothing is left behind.</exception>
    public async Task<StageResult> StageAsync(
        Stream source, ImageDescription stated, long limit, CancellationToken cancellation)
    {
        if (stated.Size > limit)
            return new StageResult(Image: null, StageRefusal.LargerThanAllowed);

        var path = Path.Combine(_incoming, Guid.NewGuid().ToString("N"));
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

    /// <summary>
    /// Makes a staged upload an image: its bytes to disk, then the name, then the name to disk. Committing bytes that
    /// are there already succeeds. The caller has checked <see cref="StagedImage.Description"/> against the statement.
    /// </summary>
    /// <exception cref="StorageFullException">There is no room; the upload is still only staged.</exception>
    public Task<StoredImage> CommitAsync(StagedImage staged, CancellationToken cancellation) =>
        // fsync blocks for as long as the disk takes, and once begun there is no going back: hence no token inside.
        Task.Run(() => Commit(staged), cancellation);

    /// <summary>Where an image is or would be.</summary>
    public string PathOf(string sha256) =>
        Names.IsHex(sha256, 64)
            ? Path.Combine(_root, sha256[..2], sha256)
            : throw new ArgumentException("Not a lower-case hex SHA-256.", nameof(sha256));

    /// <summary>True for a committed image.</summary>
    public bool Exists(string sha256) => File.Exists(PathOf(sha256));

    /// <summary>
    /// A handle for reading, which stays good when the image is deleted meanwhile; null when it is not there.
    /// </summary>
    public SafeFileHandle? Open(string sha256) => OpenFile(PathOf(sha256));

    /// <summary>
    /// Removes an image, if it is there. Not for one that an upload may be committing at this moment: the caller orders
    /// the two, as it does the rows that name the image.
    /// </summary>
    public void Delete(string sha256)
    {
        var path = PathOf(sha256);
        if (!File.Exists(path))
            return;
        File.Delete(path);
        Durability.SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>The SHA-256 of every image there is, and when its bytes were written (UTC). What bears another name is not ours.</summary>
    public IEnumerable<(string Sha256, DateTimeOffset Written)> All() =>
        new DirectoryInfo(_root).EnumerateDirectories()
            .Where(folder => folder.Name.Length == 2)
            .SelectMany(folder => folder.EnumerateFiles())
            .Where(file => Names.IsHex(file.Name, 64) && file.FullName == PathOf(file.Name))
            .Select(file => (file.Name, new DateTimeOffset(file.LastWriteTimeUtc)));

    internal static SafeFileHandle? OpenFile(string path)
    {
        try
        {
            return File.OpenHandle(path, share: FileShare.Read | FileShare.Delete);
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
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

    private StoredImage Commit(StagedImage staged)
    {
        var (sha256, md5, size) = (staged.Description.Sha256, staged.Description.Md5, staged.Description.Size);
        var target = PathOf(sha256);
        var folder = Path.GetDirectoryName(target)!;
        try
        {
            Directory.CreateDirectory(folder);

            // The name is the hash of the bytes, so the same name with the same size is the same image. Another size
            // can only be damage, and is replaced.
            if (new FileInfo(target) is { Exists: true } present && present.Length == size)
            {
                File.Delete(staged.Path);
            }
            else
            {
                using (var file = File.OpenHandle(staged.Path, FileMode.Open, FileAccess.ReadWrite))
                    RandomAccess.FlushToDisk(file);
                File.Move(staged.Path, target, overwrite: true);
            }

            // Also when file or folder was there: whoever made it may not have come this far, and we are about to vouch
            // for it. Costs next to nothing when there is nothing to write.
            Durability.SyncFolder(folder);
            Durability.SyncFolder(_root);
        }
        catch (IOException fault) when (StorageFullException.Explains(fault))
        {
            throw new StorageFullException(fault);
        }

        staged.Committed();
        return new StoredImage(sha256, md5, size, target);
    }
}
