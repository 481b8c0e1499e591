using Ota.Signing;

namespace Ota.Server.Images;

/// <summary>
/// Where images are kept, named by their SHA-256: <see cref="DiskImageStore"/> or <see cref="BlobImageStore"/>. An
/// image is there whole or not at all, whatever breaks on the way.
/// </summary>
internal interface IImageStore
{
    /// <summary>
    /// Makes it ready, and removes what a killed process left half-written. Call once, before the first upload is
    /// taken.
    /// </summary>
    /// <returns>How many leftovers were removed.</returns>
    /// <exception cref="StorageUnavailableException">It cannot be reached or used.</exception>
    Task<int> PrepareAsync(CancellationToken cancellation);

    /// <summary>
    /// Takes an upload in: hashes it while it is written to a temporary file, and stops at the first byte too many. A
    /// shorter upload is no refusal here: its description differs from the stated one.
    /// </summary>
    /// <param name="source">The bytes; read once, to the end or to the first byte too many.</param>
    /// <param name="stated">What the statement announces; its size decides the chunk size.</param>
    /// <param name="limit">The largest image this server takes, in bytes.</param>
    /// <exception cref="StorageFullException">There is no room; nothing is left behind.</exception>
    Task<StageResult> StageAsync(
        Stream source, ImageDescription stated, long limit, CancellationToken cancellation);

    /// <summary>
    /// Makes a staged upload an image, durably. Committing bytes that are there already succeeds. The caller has
    /// checked <see cref="StagedImage.Description"/> against the statement.
    /// </summary>
    /// <exception cref="StorageFullException">There is no room; the upload is still only staged.</exception>
    /// <exception cref="StorageUnavailableException">It does not answer; the upload is still only staged.</exception>
    Task<StoredImage> CommitAsync(StagedImage staged, CancellationToken cancellation);

    /// <summary>True for a committed image.</summary>
    /// <exception cref="StorageUnavailableException">It does not answer.</exception>
    ValueTask<bool> ExistsAsync(string sha256, CancellationToken cancellation);

    /// <summary>A part of an image for reading; null when the image is not there.</summary>
    /// <param name="sha256">The image's name.</param>
    /// <param name="first">Offset of the first byte.</param>
    /// <param name="length">Bytes; there are fewer to read when the image is shorter than its row says.</param>
    /// <exception cref="StorageUnavailableException">It does not answer.</exception>
    ValueTask<IImageReader?> OpenAsync(string sha256, long first, long length, CancellationToken cancellation);

    /// <summary>
    /// Removes an image, if it is there. Not for one that an upload may be committing at this moment: the caller orders
    /// the two, as it does the rows that name the image.
    /// </summary>
    /// <exception cref="StorageUnavailableException">It does not answer; the image may be there or not.</exception>
    ValueTask DeleteAsync(string sha256, CancellationToken cancellation);

    /// <summary>Every image there is. What bears another name is not ours.</summary>
    /// <exception cref="StorageUnavailableException">It does not answer.</exception>
    IAsyncEnumerable<KeptImage> AllAsync(CancellationToken cancellation);

    /// <summary>
    /// Where anybody may fetch this image, and nothing else, for a short while from now; a secret as long as it is
    /// good. Null when clients get images through this server. Computed, never asked for.
    /// </summary>
    Uri? LinkTo(string sha256);
}

/// <summary>A part of an image, read once from front to back.</summary>
internal interface IImageReader : IAsyncDisposable
{
    /// <summary>Reads some of the bytes that are left; 0 at the end.</summary>
    /// <exception cref="StorageUnavailableException">The storage broke off.</exception>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation);
}

/// <summary>An image as it can be served.</summary>
/// <param name="Sha256">Lower-case hex; also its name and its ETag.</param>
/// <param name="Md5">Lower-case hex, for clients that know nothing better.</param>
/// <param name="Size">Bytes.</param>
internal sealed record StoredImage(string Sha256, string Md5, long Size);

/// <summary>An image that is in the store, whether or not a row names it, and when its bytes were written.</summary>
internal readonly record struct KeptImage(string Sha256, DateTimeOffset Written);
