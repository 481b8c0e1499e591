using Ota.Images;
using Ota.Server.Images;
using Ota.Signing;

namespace Ota.Server.Tests.Images;

[CollectionDefinition(nameof(UploadMemoryTests), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Alone, because what a process allocates is counted for all its threads.</summary>
[Collection(nameof(UploadMemoryTests))]
public sealed class UploadMemoryTests
{
    [Fact]
    public async Task An_upload_of_64_MiB_allocates_no_more_than_a_few_buffers()
    {
        const int size = 64 << 20;
        using var folder = new TempFolder();
        var store = new ImageStore(folder.Path);
        var now = TestContext.Current.CancellationToken;
        // Only its size is looked at.
        var stated = new ImageDescription("raw", size, "", "", 0, []);

        var before = GC.GetTotalAllocatedBytes(precise: true);
        // In pieces as a request body has them.
        var body = new UploadStream(size, piece: 4096);
        await using var staged = (await store.StageAsync(body, stated, size, now)).Image!;
        using (var image = staged.OpenRead())
            ImageInspector.Inspect(image);
        await store.CommitAsync(staged, now);
        var allocated = GC.GetTotalAllocatedBytes(precise: true) - before;

        Assert.InRange(allocated, 1, 4 << 20);
    }
}
