using System.Net;
using System.Text;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;
using Azure.Storage.Sas;
using Ota.Server.Images;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Images;

public sealed class BlobImageStoreTests(Azurite azurite) : ImageStoreContract
{
    private readonly string _name = azurite.NewContainer();
    private readonly MovedTime _time = new();
    private BlobContainerClient _container = null!;

    [Fact]
    public async Task An_image_has_what_a_client_of_the_storage_may_check_and_keep_it_by()
    {
        var bytes = AnImage.Of(9_000_001);

        var stored = await StoreAsync(bytes);

        var blob = _container.GetBlockBlobClient(stored.Sha256);
        BlobProperties properties = await blob.GetPropertiesAsync(cancellationToken: Now);
        Assert.Equal(Convert.FromHexString(stored.Md5), properties.ContentHash);
        Assert.Equal("application/octet-stream", properties.ContentType);
        Assert.Equal("public, max-age=31536000, immutable", properties.CacheControl);
        var blocks = (await blob.GetBlockListAsync(cancellationToken: Now)).Value.CommittedBlocks;
        Assert.Equal([4 << 20, 4 << 20, 9_000_001 - (8 << 20)], blocks.Select(block => block.SizeLong));
    }

    [Fact]
    public async Task Blocks_of_an_upload_that_broke_off_are_no_image_and_not_in_the_way_of_the_next()
    {
        var bytes = AnImage.Of(9_000_001);
        var name = AnImage.Describe(bytes).Sha256;
        var half = _container.GetBlockBlobClient(name);
        // What the client calls its first block, here with other bytes.
        var first = Convert.ToBase64String(new byte[48]);
        await half.StageBlockAsync(first, new MemoryStream(AnImage.Of(4 << 20, seed: 2)), cancellationToken: Now);

        Assert.False(await Store.ExistsAsync(name, Now));
        Assert.Empty(await NamesAsync());

        Assert.Equal(bytes, await ReadAsync(await StoreAsync(bytes)));
        var blocks = (await half.GetBlockListAsync(cancellationToken: Now)).Value;
        Assert.Equal(first, blocks.CommittedBlocks.First().Name);
        Assert.Empty(blocks.UncommittedBlocks);
    }

    [Fact]
    public async Task An_image_that_is_there_is_not_sent_again()
    {
        var bytes = AnImage.Of(10_000);
        var stored = await StoreAsync(bytes);
        var blob = _container.GetBlobClient(stored.Sha256);
        var before = (await blob.GetPropertiesAsync(cancellationToken: Now)).Value.ETag;

        await StoreAsync(bytes);

        Assert.Equal(before, (await blob.GetPropertiesAsync(cancellationToken: Now)).Value.ETag);
    }

    [Fact]
    public async Task Bytes_of_the_same_size_but_another_hash_are_replaced_too()
    {
        var bytes = AnImage.Of(10_000);
        var stored = await StoreAsync(bytes);
        await DamageAsync(stored.Sha256, AnImage.Of(10_000, seed: 2));

        await StoreAsync(bytes);

        Assert.Equal(bytes, await ReadAsync(stored));
    }

    [Fact]
    public async Task What_is_in_the_container_under_another_name_is_not_ours()
    {
        await _container.UploadBlobAsync("readme.txt", BinaryData.FromString("not an image"), Now);

        Assert.Empty(await NamesAsync());
    }

    [Fact]
    public async Task A_link_reads_this_one_image_for_a_quarter_of_an_hour_and_does_nothing_else()
    {
        var (bytes, other) = (AnImage.Of(10_000), await StoreAsync(AnImage.Of(10_000, seed: 2)));
        var stored = await StoreAsync(bytes);
        var link = Linked().LinkTo(stored.Sha256)!;
        using var client = new HttpClient();

        Assert.Equal(bytes, await client.GetByteArrayAsync(link, Now));
        using var range = new HttpRequestMessage(HttpMethod.Get, link) { Headers = { Range = new(100, 199) } };
        using (var part = await client.SendAsync(range, Now))
        {
            Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
            Assert.Equal("bytes 100-199/10000", part.Content.Headers.ContentRange!.ToString());
            Assert.Equal(bytes[100..200], await part.Content.ReadAsByteArrayAsync(Now));
        }

        var elsewhere = new UriBuilder(link) { Path = $"/ota/{_name}/{other.Sha256}" }.Uri;
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(elsewhere, Now)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.DeleteAsync(link, Now)).StatusCode);
        var query = "restype=container&comp=list&" + link.Query[1..];
        var list = new UriBuilder(link) { Path = "/ota/" + _name, Query = query }.Uri;
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(list, Now)).StatusCode);

        _time.Ahead = -TimeSpan.FromMinutes(16);
        Assert.Equal(HttpStatusCode.Forbidden, (await client.GetAsync(Linked().LinkTo(stored.Sha256), Now)).StatusCode);
        _time.Ahead = -TimeSpan.FromMinutes(14);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(Linked().LinkTo(stored.Sha256), Now)).StatusCode);
    }

    [Fact]
    public async Task A_token_for_the_container_alone_is_enough_once_it_is_there()
    {
        var permissions = BlobContainerSasPermissions.Read | BlobContainerSasPermissions.Write
            | BlobContainerSasPermissions.Delete | BlobContainerSasPermissions.List;
        var token = _container.GenerateSasUri(permissions, DateTimeOffset.UtcNow.AddHours(1)).Query;
        var store = Connected($"http://127.0.0.1:{azurite.Port}/ota{token}");
        var bytes = AnImage.Of(9_000_001);

        await store.PrepareAsync(Now);
        var staged = await StageAsync(bytes, store);
        await using (staged)
            await store.CommitAsync(staged, Now);

        Assert.True(await store.ExistsAsync(staged.Description.Sha256, Now));
        Assert.Equal(bytes, await ReadAsync(staged.Description.Sha256, 0, bytes.Length));
        await store.DeleteAsync(staged.Description.Sha256, Now);
        Assert.Empty(await NamesAsync());
    }

    [Fact]
    public async Task A_container_that_vanished_is_a_fault_and_not_an_image_that_is_not_there()
    {
        await _container.DeleteAsync(cancellationToken: Now);
        var name = AnImage.Describe(AnImage.Of(10)).Sha256;

        var fault = await Assert.ThrowsAsync<StorageUnavailableException>(
            async () => await Store.OpenAsync(name, 0, 1, Now));

        Assert.Equal("Azure Blob Storage answered 404 ContainerNotFound", fault.Reason);
    }

    [Fact]
    public async Task A_wrong_key_is_told_without_repeating_anything_of_it()
    {
        var wrong = Convert.ToBase64String(Encoding.UTF8.GetBytes("not the key of this account"));
        var connection = (await azurite.ConnectionAsync()).Replace(azurite.Key, wrong, StringComparison.Ordinal);

        var fault = await Assert.ThrowsAsync<StorageUnavailableException>(
            () => Connected(connection).PrepareAsync(Now));

        Assert.Equal("Azure Blob Storage answered 403 AuthorizationFailure", fault.Reason);
        Assert.Null(fault.InnerException);
        Assert.DoesNotContain(wrong, fault.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Storage_that_is_gone_is_out_of_reach_for_every_call_and_keeps_the_upload_staged()
    {
        await using var wire = new AWire(() => azurite.Port);
        var store = Connected(await azurite.ConnectionAsync(wire.Port));
        var bytes = AnImage.Of(10_000);
        var name = AnImage.Describe(bytes).Sha256;
        wire.BreakAfter(0);
        await using var staged = await StageAsync(bytes, store);

        await Task.WhenAll(
            UnreachableAsync(() => store.PrepareAsync(Now)),
            UnreachableAsync(() => store.CommitAsync(staged, Now)),
            UnreachableAsync(async () => await store.ExistsAsync(name, Now)),
            UnreachableAsync(async () => await store.OpenAsync(name, 0, 1, Now)),
            UnreachableAsync(async () => await store.DeleteAsync(name, Now)),
            UnreachableAsync(async () => await store.AllAsync(Now).ToArrayAsync(Now)));

        wire.Mend();
        await store.CommitAsync(staged, Now);
        Assert.Equal(bytes, await ReadAsync(name, 0, bytes.Length));
    }

    [Fact]
    public async Task A_line_that_breaks_in_the_middle_of_an_upload_leaves_no_image()
    {
        await using var wire = new AWire(() => azurite.Port);
        var store = Connected(await azurite.ConnectionAsync(wire.Port));
        var bytes = AnImage.Of(9_000_001);
        await using var staged = await StageAsync(bytes, store);
        // Enough for the answers to the first calls, not for that to the last.
        wire.BreakAfter(1000);

        await UnreachableAsync(() => store.CommitAsync(staged, Now));

        Assert.Empty(await NamesAsync());
        wire.Mend();
        await store.CommitAsync(staged, Now);
        Assert.Equal([staged.Description.Sha256], await NamesAsync());
    }

    [Fact]
    public async Task A_short_break_while_an_image_is_read_is_gone_on_from()
    {
        await using var wire = new AWire(() => azurite.Port);
        var bytes = AnImage.Of(3_000_000);
        var stored = await StoreAsync(bytes);
        var store = Connected(await azurite.ConnectionAsync(wire.Port));
        await using var reader = (await store.OpenAsync(stored.Sha256, 0, bytes.Length, Now))!;
        using var read = new MemoryStream();
        var buffer = new byte[100_000];
        read.Write(buffer, 0, await reader.ReadAsync(buffer, Now));

        wire.BreakAfter(500_000);
        while (read.Length < bytes.Length)
        {
            if (wire.IsBroken)
                wire.Mend();
            var count = await reader.ReadAsync(buffer, Now);
            Assert.NotEqual(0, count);
            read.Write(buffer, 0, count);
        }

        Assert.Equal(bytes, read.ToArray());
    }

    private protected override async Task<IImageStore> OpenAsync()
    {
        _container = await azurite.ContainerAsync(_name);
        return new BlobImageStore(_container, new IncomingFolder(Folder), ImageLinks.Server, _time);
    }

    private protected override Task DamageAsync(string sha256, byte[] bytes) =>
        _container.GetBlobClient(sha256).UploadAsync(new BinaryData(bytes), overwrite: true, Now);

    private static async Task UnreachableAsync(Func<Task> ask)
    {
        var fault = await Assert.ThrowsAsync<StorageUnavailableException>(ask);
        Assert.StartsWith("Azure Blob Storage does not answer", fault.Reason, StringComparison.Ordinal);
    }

    private BlobImageStore Linked() => new(_container, new IncomingFolder(Folder), ImageLinks.Redirect, _time);

    private BlobImageStore Connected(string account) =>
        new(BlobConnection.To(account, _name), new IncomingFolder(Folder), ImageLinks.Server, _time);
}
