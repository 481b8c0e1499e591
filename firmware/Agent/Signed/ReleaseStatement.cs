using System.Collections;

namespace Ota.Agent;

/// <summary>What a release statement says (docs/protocol.md §1.1), as far as a device cares.</summary>
internal sealed class ReleaseStatement
{
    public const string ApplicationKind = "application";
    public const string RecoveryKind = "recovery";

    private const int SmallestChunk = 4096;
    private const int MostChunks = 128;
    private const int DigestSize = 32;

    public string Product;
    public string Version;
    public string Kind;
    public int SecurityCounter;
    public string Format;

    /// <summary>Bytes of the image.</summary>
    public long Size;
    public string Sha256;
    public int ChunkSize;

    /// <summary>Hash of the statement as signed, lower-case hex: the release's name.</summary>
    public string Hash;

    private ArrayList _hardware;
    private byte[] _chunks;

    public int ChunkCount => _chunks.Length / DigestSize;

    /// <exception cref="JsonRefusedException">A member is missing, of another kind or out of bounds.</exception>
    public static ReleaseStatement Read(byte[] payload, string hash)
    {
        var json = JsonReader.ReadObject(payload, payload.Length);
        var image = json.Object("image");
        var statement = new ReleaseStatement
        {
            Product = json.Text("product"),
            Version = json.Text("version"),
            Kind = json.Text("kind"),
            SecurityCounter = (int)json.Number("securityCounter", 0, int.MaxValue),
            Format = image.Text("format"),
            Size = image.Number("size", 1, (long)int.MaxValue * MostChunks),
            Sha256 = image.Text("sha256"),
            ChunkSize = (int)image.Number("chunkSize", SmallestChunk, int.MaxValue),
            Hash = hash,
            _hardware = json.Array("hardware", 1, 16),
        };
        if (statement.Version.Length > 64 || !Hex.Is(statement.Sha256, 64)
            || statement.ChunkSize != ChunkSizeFor(statement.Size))
            throw new JsonRefusedException("a member is out of bounds");
        statement.ReadChunks(image.Array("chunks", 1, MostChunks));
        return statement;
    }

    public bool IsFor(string hardware) => _hardware.Contains(hardware);

    /// <summary>Bytes of one chunk; only the last may be shorter.</summary>
    public int LengthOf(int chunk)
    {
        var left = Size - (long)chunk * ChunkSize;
        return left < ChunkSize ? (int)left : ChunkSize;
    }

    /// <summary>True when these bytes, all of the array, are the chunk.</summary>
    public bool ChunkFits(int chunk, byte[] bytes) =>
        bytes.Length == LengthOf(chunk) && Mac.Same(Mac.Of(Mac.ChunkKey, bytes), _chunks, chunk * DigestSize);

    private static long ChunkSizeFor(long size)
    {
        long chunkSize = SmallestChunk;
        while ((size + chunkSize - 1) / chunkSize > MostChunks)
            chunkSize *= 2;
        return chunkSize;
    }

    private void ReadChunks(ArrayList digests)
    {
        if (digests.Count != (Size + ChunkSize - 1) / ChunkSize)
            throw new JsonRefusedException("not one digest for each chunk");
        _chunks = new byte[digests.Count * DigestSize];
        for (var i = 0; i < digests.Count; i++)
        {
            var digest = digests[i] is string text ? Base64Url.Decode(text) : null;
            if (digest == null || digest.Length != DigestSize)
                throw new JsonRefusedException("a chunk's digest is none");
            digest.CopyTo(_chunks, i * DigestSize);
        }
    }
}
