using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

public sealed class DiskImageStoreTests : ImageStoreContract
{
    [Fact]
    public async Task An_image_is_the_file_of_its_name()
    {
        var bytes = AnImage.Of(10_000);

        var stored = await StoreAsync(bytes);

        var path = ((DiskImageStore)Store).PathOf(stored.Sha256);
        Assert.Equal(Path.Combine(Folder, stored.Sha256[..2], stored.Sha256), path);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(path, Now));
    }

    [Fact]
    public async Task A_download_under_way_still_reads_an_image_that_is_deleted()
    {
        var bytes = AnImage.Of(10_000);
        var stored = await StoreAsync(bytes);
        await using var reader = (await Store.OpenAsync(stored.Sha256, 0, bytes.Length, Now))!;

        await Store.DeleteAsync(stored.Sha256, Now);

        var read = new byte[bytes.Length];
        Assert.Equal(read.Length, await reader.ReadAsync(read, Now));
        Assert.Equal(bytes, read);
    }

    [Fact]
    public async Task Clients_get_images_through_the_server() =>
        Assert.Null(Store.LinkTo((await StoreAsync(AnImage.Of(100))).Sha256));

    private protected override Task<IImageStore> OpenAsync() => Task.FromResult<IImageStore>(new DiskImageStore(Folder));

    private protected override Task DamageAsync(string sha256, byte[] bytes) =>
        File.WriteAllBytesAsync(((DiskImageStore)Store).PathOf(sha256), bytes, Now);
}
