using Ota.Signing;

namespace Ota.Server.Images;

/// <summary>
/// An upload that is whole on disk but not yet an image: nobody can fetch it. Commit it; dispose it in any case, and
/// what was not committed is gone.
/// </summary>
internal sealed class StagedImage(string path, ImageDescription description, ReadOnlyMemory<byte> head)
    : IAsyncDisposable
{
    private bool _committed;

    /// <summary>The temporary file.</summary>
    public string Path { get; } = path;

    /// <summary>What arrived; its format is the one that was stated.</summary>
    public ImageDescription Description { get; } = description;

    /// <summary>The first bytes, at most <see cref="IncomingFolder.HeadSize"/>.</summary>
    public ReadOnlyMemory<byte> Head { get; } = head;

    public Stream OpenRead() => new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1);

    public ValueTask DisposeAsync()
    {
        if (!_committed)
            File.Delete(Path);
        return ValueTask.CompletedTask;
    }

    /// <summary>The temporary file has become the image, and is not ours any more.</summary>
    internal void Committed() => _committed = true;
}

/// <summary>Why an upload was cut short.</summary>
internal enum StageRefusal
{
    /// <summary>The statement announces more bytes than this server takes (413).</summary>
    LargerThanAllowed,

    /// <summary>More bytes came than the statement announces (400).</summary>
    LongerThanStated,
}

/// <summary>Exactly one of the two is there. After a refusal nothing is left on disk.</summary>
internal sealed record StageResult(StagedImage? Image, StageRefusal? Refusal);
