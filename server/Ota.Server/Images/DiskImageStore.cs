using Microsoft.Win32.SafeHandles;
using Ota.Signing;

namespace Ota.Server.Images;

/// <summary>
/// Images on disk, named by their SHA-256 (<c>ab/ab12…</c>). A name appears only once all its bytes are on disk, so a
/// power cut leaves an image whole or absent; what was on its way is left under <c>.incoming</c> and removed at the
/// next start.
/// </summary>
internal sealed class DiskImageStore : IImageStore
{
    private readonly string _root;
    private readonly IncomingFolder _incoming;

    /// <param name="root">The folder; made when it is not there.</param>
    /// <inheritdoc cref="IncomingFolder(string, string)"/>
    public DiskImageStore(string root, string server = "")
    {
        _root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        var isNew = !Directory.Exists(_root);
        _incoming = new IncomingFolder(_root, server);
        if (isNew && Path.GetDirectoryName(_root) is { } parent)
            Durability.SyncFolder(parent);
    }

    public Task<int> PrepareAsync(CancellationToken cancellation) => Task.FromResult(_incoming.RemoveLeftovers());

    public Task<StageResult> StageAsync(
        Stream source, ImageDescription stated, long limit, CancellationToken cancellation) =>
        _incoming.StageAsync(source, stated, limit, cancellation);

    /// <summary>Its bytes to disk, then the name, then the name to disk.</summary>
    public Task<StoredImage> CommitAsync(StagedImage staged, CancellationToken cancellation) =>
        // fsync blocks for as long as the disk takes, and once begun there is no going back: hence no token inside.
        Task.Run(() => Commit(staged), cancellation);

    /// <summary>Where an image is or would be.</summary>
    public string PathOf(string sha256) =>
        Names.IsHex(sha256, 64)
            ? Path.Combine(_root, sha256[..2], sha256)
            : throw new ArgumentException("Not a lower-case hex SHA-256.", nameof(sha256));

    public ValueTask<bool> ExistsAsync(string sha256, CancellationToken cancellation) =>
        ValueTask.FromResult(File.Exists(PathOf(sha256)));

    /// <summary>The reader stays good when the image is deleted meanwhile.</summary>
    public ValueTask<IImageReader?> OpenAsync(
        string sha256, long first, long length, CancellationToken cancellation)
    {
        try
        {
            var file = File.OpenHandle(PathOf(sha256), share: FileShare.Read | FileShare.Delete);
            return ValueTask.FromResult<IImageReader?>(new Reader(file, first, length));
        }
        catch (Exception absent) when (absent is FileNotFoundException or DirectoryNotFoundException)
        {
            return ValueTask.FromResult<IImageReader?>(null);
        }
    }

    public ValueTask DeleteAsync(string sha256, CancellationToken cancellation)
    {
        var path = PathOf(sha256);
        if (File.Exists(path))
        {
            File.Delete(path);
            Durability.SyncFolder(Path.GetDirectoryName(path)!);
        }

        return ValueTask.CompletedTask;
    }

    public IAsyncEnumerable<KeptImage> AllAsync(CancellationToken cancellation) =>
        new DirectoryInfo(_root).EnumerateDirectories()
            .Where(folder => folder.Name.Length == 2)
            .SelectMany(folder => folder.EnumerateFiles())
            .Where(file => Names.IsHex(file.Name, 64) && file.FullName == PathOf(file.Name))
            .Select(file => new KeptImage(file.Name, new DateTimeOffset(file.LastWriteTimeUtc)))
            .ToAsyncEnumerable();

    public Uri? LinkTo(string sha256) => null;

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
        return new StoredImage(sha256, md5, size);
    }

    private sealed class Reader(SafeFileHandle file, long offset, long left) : IImageReader
    {
        // Not asynchronous on purpose: almost always a copy from the page cache, which a detour through the thread pool
        // would only delay.
        public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            var read = RandomAccess.Read(file, buffer.Span[..(int)Math.Min(buffer.Length, left)], offset);
            offset += read;
            left -= read;
            return ValueTask.FromResult(read);
        }

        public ValueTask DisposeAsync()
        {
            file.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
