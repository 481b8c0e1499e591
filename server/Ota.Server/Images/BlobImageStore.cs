using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Sas;
using Ota.Signing;

namespace Ota.Server.Images;

/// <summary>
/// Images in a container of Azure Blob Storage, a block blob each, named by their SHA-256. An upload waits in a local
/// file until it has been checked (docs/decisions/0011), then goes up in blocks; the blob appears with the last call,
/// and blocks of one that broke off vanish by themselves.
/// </summary>
/// <param name="container">The connection to the container.</param>
/// <param name="incoming">Where uploads wait.</param>
/// <param name="links">How clients get at the images; <see cref="LinkTo"/> needs a connection by account key.</param>
/// <param name="time">Says until when a link is good.</param>
internal sealed class BlobImageStore(
    BlobContainerClient container, IncomingFolder incoming, ImageLinks links, TimeProvider time) : IImageStore
{
    /// <summary>How long a link is good for; a download that has begun may take longer.</summary>
    public static readonly TimeSpan LinkLife = TimeSpan.FromMinutes(15);

    // Also what an upload holds in memory.
    private const int Block = 4 << 20;
    private const int MostAttempts = 3;

    /// <summary>Makes the container when it is not there.</summary>
    public async Task<int> PrepareAsync(CancellationToken cancellation)
    {
        await AskAsync(
            async () =>
            {
                // Not by the container's properties: a SAS token for the container alone may not read those.
                try
                {
                    await using var blobs = container.GetBlobsAsync(cancellationToken: cancellation)
                        .AsPages(pageSizeHint: 1).GetAsyncEnumerator(cancellation);
                    await blobs.MoveNextAsync();
                }
                catch (RequestFailedException absent) when (absent.ErrorCode == BlobErrorCode.ContainerNotFound)
                {
                    await container.CreateIfNotExistsAsync(cancellationToken: cancellation);
                }

                return true;
            },
            cancellation);
        return incoming.RemoveLeftovers();
    }

    public Task<StageResult> StageAsync(
        Stream source, ImageDescription stated, long limit, CancellationToken cancellation) =>
        incoming.StageAsync(source, stated, limit, cancellation);

    public async Task<StoredImage> CommitAsync(StagedImage staged, CancellationToken cancellation)
    {
        var image = staged.Description;
        for (var left = MostAttempts; !await IsPutAsync(staged, cancellation); left--)
        {
            if (left == 0)
                throw new StorageUnavailableException("Azure Blob Storage changed the image while it was being stored");
        }

        return new StoredImage(image.Sha256, image.Md5, image.Size);
    }

    public async ValueTask<bool> ExistsAsync(string sha256, CancellationToken cancellation) =>
        await PropertiesAsync(BlobOf(sha256), cancellation) is not null;

    public async ValueTask<IImageReader?> OpenAsync(
        string sha256, long first, long length, CancellationToken cancellation)
    {
        var blob = BlobOf(sha256);
        var range = new BlobDownloadOptions { Range = new HttpRange(first, length) };
        return await AskAsync(
            async () =>
            {
                try
                {
                    return new Reader(await blob.DownloadStreamingAsync(range, cancellation));
                }
                catch (RequestFailedException absent) when (absent.ErrorCode == BlobErrorCode.BlobNotFound)
                {
                    return null;
                }
                catch (RequestFailedException shorter) when (shorter.ErrorCode == BlobErrorCode.InvalidRange)
                {
                    return new Reader(null);
                }
            },
            cancellation);
    }

    public async ValueTask DeleteAsync(string sha256, CancellationToken cancellation)
    {
        var blob = BlobOf(sha256);
        await AskAsync(
            () => blob.DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, cancellationToken: cancellation),
            cancellation);
    }

    public async IAsyncEnumerable<KeptImage> AllAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var pages = container.GetBlobsAsync(cancellationToken: cancellation)
            .AsPages().GetAsyncEnumerator(cancellation);
        while (await AskAsync(() => pages.MoveNextAsync().AsTask(), cancellation))
        {
            foreach (var blob in pages.Current.Values.Where(blob => Names.IsHex(blob.Name, 64)))
                yield return new KeptImage(blob.Name, blob.Properties.LastModified ?? DateTimeOffset.MaxValue);
        }
    }

    public Uri? LinkTo(string sha256)
    {
        if (links != ImageLinks.Redirect)
            return null;
        var blob = BlobOf(sha256);
        return blob.GenerateSasUri(new BlobSasBuilder(BlobSasPermissions.Read, time.GetUtcNow() + LinkLife)
        {
            BlobContainerName = blob.BlobContainerName,
            BlobName = blob.Name,
            Resource = "b",
            Protocol = blob.Uri.Scheme == Uri.UriSchemeHttps ? SasProtocol.Https : SasProtocol.HttpsAndHttp,
        });
    }

    // False when someone else changed it meanwhile: then what is there now decides.
    private async Task<bool> IsPutAsync(StagedImage staged, CancellationToken cancellation)
    {
        var image = staged.Description;
        var blob = BlobOf(image.Sha256);
        var md5 = Convert.FromHexString(image.Md5);
        var present = await PropertiesAsync(blob, cancellation);
        if (present?.ContentLength == image.Size && md5.AsSpan().SequenceEqual(present.ContentHash))
            return true;

        var options = new BlobUploadOptions
        {
            HttpHeaders = new BlobHttpHeaders
            {
                ContentType = "application/octet-stream", ContentHash = md5, CacheControl = ImageEndpoints.Immutable,
            },
            // The name is the hash of the bytes, so other ones under it can only be damage, and are replaced.
            Conditions = present is null
                ? new BlobRequestConditions { IfNoneMatch = ETag.All }
                : new BlobRequestConditions { IfMatch = present.ETag },
            TransferOptions = new StorageTransferOptions
            {
                InitialTransferSize = Block, MaximumTransferSize = Block, MaximumConcurrency = 1,
            },
            // Of each call's body, checked by the service.
            TransferValidation = new UploadTransferValidationOptions
            {
                ChecksumAlgorithm = StorageChecksumAlgorithm.MD5,
            },
        };
        await using var bytes = staged.OpenRead();
        return await AskAsync(
            async () =>
            {
                try
                {
                    await blob.UploadAsync(bytes, options, cancellation);
                    return true;
                }
                catch (RequestFailedException raced) when (IsRace(raced))
                {
                    return false;
                }
            },
            cancellation);
    }

    // Committing drops all other blocks of a blob, so the slower of two uploads of one image may find its own gone.
    private static bool IsRace(RequestFailedException fault) =>
        fault.ErrorCode == BlobErrorCode.BlobAlreadyExists
        || fault.ErrorCode == BlobErrorCode.ConditionNotMet
        || fault.ErrorCode == BlobErrorCode.InvalidBlockList;

    private static Task<BlobProperties?> PropertiesAsync(BlobClient blob, CancellationToken cancellation) =>
        AskAsync<BlobProperties?>(
            async () =>
            {
                try
                {
                    return await blob.GetPropertiesAsync(cancellationToken: cancellation);
                }
                catch (RequestFailedException absent) when (absent.ErrorCode == BlobErrorCode.BlobNotFound)
                {
                    return null;
                }
            },
            cancellation);

    private BlobClient BlobOf(string sha256) =>
        Names.IsHex(sha256, 64)
            ? container.GetBlobClient(sha256)
            : throw new ArgumentException("Not a lower-case hex SHA-256.", nameof(sha256));

    private static async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellation)
    {
        try
        {
            return await ask();
        }
        catch (Exception fault) when (BlobConnection.Explain(fault, cancellation) is { } explained)
        {
            throw explained;
        }
    }

    // Null: the image ends before the part that was asked for.
    private sealed class Reader(BlobDownloadStreamingResult? answer) : IImageReader
    {
        public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellation)
        {
            if (answer is null)
                return 0;
            try
            {
                return await answer.Content.ReadAsync(buffer, cancellation);
            }
            catch (Exception fault) when (BlobConnection.Explain(fault, cancellation) is { } explained)
            {
                throw explained;
            }
        }

        public ValueTask DisposeAsync()
        {
            answer?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>How clients get at images that are not on this server's disk.</summary>
internal enum ImageLinks
{
    /// <summary>Through this server.</summary>
    Server,

    /// <summary>By a short-lived link to the storage.</summary>
    Redirect,
}
