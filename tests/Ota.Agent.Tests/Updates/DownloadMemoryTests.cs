using System.Security.Cryptography;
using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Updates;

/// <summary>
/// A chip has some 100 KB for all its objects, so a download must get by with the buffers it began with. Measured on
/// the host, whose objects are no smaller than the chip's; alone, because the heap is the whole process's.
/// </summary>
[Collection(Alone)]
public sealed class DownloadMemoryTests
{
    private const string Alone = "memory is measured alone";
    private const int MostLive = 64 * 1024;

    // What HMACSHA256.HashData returns, twice: as the chunk arrives, and as it was read back.
    private static readonly long TwoDigests = 2 * MeasureDigest();

    [Fact]
    public void A_chunk_costs_no_allocation_but_the_two_digests_the_native_class_returns()
    {
        var few = Download(chunks: 8, out _);
        var many = Download(chunks: 120, out _);

        Assert.Equal(0, (many - few) / 112 - TwoDigests);
    }

    [Fact]
    public void A_download_of_the_most_chunks_lives_within_64_KB()
    {
        Download(chunks: 128, out var live);

        Console.WriteLine($"memory: {live} bytes of managed heap live while downloading 128 chunks");
        Assert.InRange(live, 1, MostLive);
    }

    private static long MeasureDigest()
    {
        var data = new byte[4096];
        HMACSHA256.HashData(Mac.ChunkKey, data);
        var before = GC.GetAllocatedBytesForCurrentThread();
        HMACSHA256.HashData(Mac.ChunkKey, data);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    // Bytes allocated by the download proper; live is what is held in its middle by all the agent keeps for it.
    private static long Download(int chunks, out long live)
    {
        var build = Build.Of("2.0.0", size: chunks * 4096);
        var server = new MemoryServer(build.Image);
        var slot = new MemorySlot(chunks * 4096);
        Fetch(build.Statement, server, slot);
        server.Rewind();
        slot.Forget();

        var atStart = GC.GetTotalMemory(forceFullCollection: true);
        long middle = 0;
        server.AtMiddle = () => middle = GC.GetTotalMemory(forceFullCollection: true);
        var allocated = Fetch(build.Statement, server, slot);
        // The statement itself is older than the download, but the agent holds it as well.
        live = middle - atStart + sizeof(char) * build.Statement.Length;
        return allocated;
    }

    private static long Fetch(string statement, MemoryServer server, MemorySlot slot)
    {
        var jws = Jws.Read(statement, "RS256", "ota-release+jws");
        var release = ReleaseStatement.Read(jws.Payload, "");
        var download = new ImageDownload(
            new ServerLink(new AgentOptions { Server = "http://server" }, server, new VirtualClock()), slot, release, "/images/x");
        var before = GC.GetAllocatedBytesForCurrentThread();
        var result = download.Run(range: true);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(DownloadResult.Done, result);
        GC.KeepAlive(jws);
        return allocated;
    }

    private sealed class MemoryServer(byte[] image) : IHttp, IHttpAnswer
    {
        private int _at;

        public Action? AtMiddle { get; set; }

        public int Status => 200;

        public IHttpAnswer Send(HttpCall call) => this;

        public string? Header(string name) => null;

        public void Rewind() => _at = 0;

        public int Read(byte[] buffer, int offset, int count)
        {
            if (AtMiddle is not null && _at >= image.Length / 2)
            {
                var middle = AtMiddle;
                AtMiddle = null;
                middle();
            }

            // As a TCP stream comes: in pieces that fit nothing.
            var read = Math.Min(Math.Min(count, 1460), image.Length - _at);
            Array.Copy(image, _at, buffer, offset, read);
            _at += read;
            return read;
        }

        public void Dispose()
        {
        }
    }

    private sealed class MemorySlot(int capacity) : ISlot
    {
        private readonly byte[] _image = new byte[capacity];

        public int Capacity => capacity;

        public void Forget() => Array.Clear(_image);

        public void WriteStatement(byte[] statement)
        {
        }

        public byte[]? ReadStatement() => null;

        public void Write(int offset, byte[] chunk) => chunk.CopyTo(_image, offset);

        public bool Read(int offset, byte[] buffer)
        {
            Array.Copy(_image, offset, buffer, 0, buffer.Length);
            return true;
        }
    }

    [CollectionDefinition(Alone, DisableParallelization = true)]
    public sealed class AloneDefinition;
}
