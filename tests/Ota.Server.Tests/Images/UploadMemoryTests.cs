using Ota.Images;
using Ota.Server.Images;
using Ota.Signing;

namespace Ota.Server.Tests.Images;

[CollectionDefinition(nameof(UploadMemoryTests), DisableParallelization = true)]
public sealed class Alone;

/// <summary>Alone, because what a process allocates is counted for all its threads.</summary>
[Collection(nameof(UploadMemoryTests))]
public sealed class UploadMemoryTests(Azurite azurite)
{
    private const int Size = 64 << 20;

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_of_64_MiB_allocates_no_more_than_a_few_buffers()
    {
        using var folder = new TempFolder();

        Assert.InRange(await AllocatedAsync(new DiskImageStore(folder.Path)), 1, 4 << 20);
    }

    [Fact]
    public async Task One_that_goes_up_to_Azure_allocates_no_more_than_a_few_blocks()
    {
        using var folder = new TempFolder();
        var container = await azurite.ContainerAsync(azurite.NewContainer());
        var store = new BlobImageStore(container, new IncomingFolder(folder.Path), ImageLinks.Server, TimeProvider.System);
        await store.PrepareAsync(Now);

        Assert.InRange(await AllocatedAsync(store), 1, 16 << 20);
    }

    private static async Task<long> AllocatedAsync(IImageStore store)
    {
        // Only its size is looked at.
        var stated = new ImageDescription("raw", Size, "", "", 0, []);

        var before = GC.GetTotalAllocatedBytes(precise: true);
        // In pieces as a request body has them.
        var body = new UploadStream(Size, piece: 4096);
        await using var staged = (await store.StageAsync(body, stated, Size, Now)).Image!;
        using (var image = staged.OpenRead())
            ImageInspector.Inspect(image);
        await store.CommitAsync(staged, Now);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }
}
