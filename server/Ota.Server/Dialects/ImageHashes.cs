using System.Collections.Concurrent;
using System.Security.Cryptography;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Images;
using Ota.Server.Releases;

namespace Ota.Server.Dialects;

/// <param name="Sha1">Lower-case hex. What hawkBit's clients compare; nobody is protected by it.</param>
/// <param name="Suffix">What the file's name is to end with: <c>swu</c>, <c>raucb</c> or <c>bin</c>.</param>
internal sealed record ImageHash(string Sha1, string Suffix);

/// <summary>Reads an image once, when it is first handed to a client that wants more of it than its release says, and keeps that for good.</summary>
internal sealed class ImageHashes(IImageStore images, Database database)
{
    private const int Block = 64 * 1024;

    private const string FindSql = "SELECT sha1, suffix FROM image_hashes WHERE sha256 = @Sha256";

    private const string KeepSql =
        "INSERT INTO image_hashes (sha256, sha1, suffix) VALUES (@Sha256, @Sha1, @Suffix) ON CONFLICT (sha256) DO NOTHING";

    private readonly ConcurrentDictionary<string, Lazy<Task<ImageHash?>>> _known = new(StringComparer.Ordinal);

    /// <summary>Null when the image is not in the store any more.</summary>
    /// <exception cref="StorageUnavailableException">The storage does not answer.</exception>
    public async Task<ImageHash?> OfAsync(ReleaseImage image)
    {
        // However many ask at once, it is read once; nobody's leaving ends it for the others.
        var known = _known.GetOrAdd(image.Sha256, _ => new Lazy<Task<ImageHash?>>(() => FindAsync(image)));
        try
        {
            if (await known.Value is { } hash)
                return hash;
        }
        catch
        {
            _known.TryRemove(KeyValuePair.Create(image.Sha256, known));
            throw;
        }

        _known.TryRemove(KeyValuePair.Create(image.Sha256, known));
        return null;
    }

    private async Task<ImageHash?> FindAsync(ReleaseImage image)
    {
        if (database.Read(connection => connection.QuerySingleOrDefault<Row>(FindSql, new { image.Sha256 })) is { } row)
            return new ImageHash(row.Sha1, row.Suffix);
        await using var bytes = await images.OpenAsync(image.Sha256, 0, image.Size, CancellationToken.None);
        if (bytes is null)
            return null;
        var hash = await ReadAsync(bytes, image.Size);
        await database.WriteAsync(connection => connection.Execute(KeepSql, new { image.Sha256, hash.Sha1, hash.Suffix }), CancellationToken.None);
        return hash;
    }

    private static async Task<ImageHash> ReadAsync(IImageReader bytes, long size)
    {
#pragma warning disable CA5350 // It is what the clients compare.
        using var sha1 = IncrementalHash.CreateHash(HashAlgorithmName.SHA1);
#pragma warning restore CA5350
        var block = new byte[Block];
        var suffix = "bin";
        for (var at = 0L; at < size;)
        {
            var read = await bytes.ReadAsync(block, CancellationToken.None);
            if (read == 0)
                throw new InvalidDataException($"A stored image ends {size - at} bytes before it should.");
            if (at == 0)
                suffix = SuffixOf(block.AsSpan(0, read));
            sha1.AppendData(block, 0, read);
            at += read;
        }

        return new ImageHash(Convert.ToHexStringLower(sha1.GetHashAndReset()), suffix);
    }

    // SWUpdate's are cpio archives, RAUC's are squashfs; SWUpdate looks at the name as well.
    private static string SuffixOf(ReadOnlySpan<byte> start) =>
        start.StartsWith("070701"u8) || start.StartsWith("070702"u8) ? "swu" : start.StartsWith("hsqs"u8) ? "raucb" : "bin";

    private sealed class Row
    {
        public string Sha1 { get; init; } = "";

        public string Suffix { get; init; } = "";
    }
}
