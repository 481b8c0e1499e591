using System.Security.Cryptography;
using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

/// <summary>What every store of images does; each is held to it by a class of its own.</summary>
public abstract class ImageStoreContract : IAsyncLifetime
{
    private const long Limit = 64 << 20;

    private readonly TempFolder _folder = new();

    private protected IImageStore Store { get; private set; } = null!;

    private protected string Folder => _folder.Path;

    private protected static CancellationToken Now => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Store = await OpenAsync();
        Assert.Equal(0, await Store.PrepareAsync(Now));
    }

    public virtual ValueTask DisposeAsync()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>The store as a server finds it that has just started; the same one each time.</summary>
    private protected abstract Task<IImageStore> OpenAsync();

    /// <summary>Puts other bytes under an image's name, behind the store's back.</summary>
    private protected abstract Task DamageAsync(string sha256, byte[] bytes);

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(1_000_003)]
    [InlineData(9_000_001)]
    public async Task A_committed_image_is_found_by_its_hash_and_has_the_bytes_that_came(int size)
    {
        var bytes = AnImage.Of(size);

        var stored = await StoreAsync(bytes);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), stored.Sha256);
        Assert.Equal(AnImage.Describe(bytes).Md5, stored.Md5);
        Assert.Equal(size, stored.Size);
        Assert.True(await Store.ExistsAsync(stored.Sha256, Now));
        Assert.Equal(bytes, await ReadAsync(stored));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task A_staged_upload_is_described_as_the_signing_library_describes_it()
    {
        var bytes = AnImage.Of(1_000_003);

        await using var staged = await StageAsync(bytes);

        Assert.Equivalent(AnImage.Describe(bytes), staged.Description, strict: true);
        Assert.Equal(bytes.AsSpan(0, IncomingFolder.HeadSize), staged.Head.Span);
    }

    [Fact]
    public async Task A_source_that_gives_a_byte_at_a_time_makes_no_difference()
    {
        var bytes = AnImage.Of(10_000);

        var result = await Store.StageAsync(new UploadStream(bytes), AnImage.Describe(bytes), Limit, Now);

        await using var staged = result.Image!;
        Assert.Equivalent(AnImage.Describe(bytes), staged.Description, strict: true);
    }

    [Fact]
    public async Task An_upload_that_was_not_committed_is_invisible_and_gone_once_disposed()
    {
        var bytes = AnImage.Of(10_000);

        await using (var staged = await StageAsync(bytes))
        {
            Assert.False(await Store.ExistsAsync(staged.Description.Sha256, Now));
            Assert.Null(await Store.OpenAsync(staged.Description.Sha256, 0, 1, Now));
            Assert.Empty(await NamesAsync());
            Assert.Single(Leftovers());
        }

        Assert.Empty(Leftovers());
        Assert.Empty(await NamesAsync());
    }

    [Fact]
    public async Task An_upload_stops_at_the_first_byte_beyond_what_was_announced()
    {
        var announced = AnImage.Describe(AnImage.Of(100_000));
        var endless = new UploadStream(AnImage.Of(200_000));

        var result = await Store.StageAsync(endless, announced, Limit, Now);

        Assert.Equal(StageRefusal.LongerThanStated, result.Refusal);
        Assert.Equal(100_001, endless.Given);
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task An_upload_announced_larger_than_allowed_is_refused_unread()
    {
        var source = new UploadStream(AnImage.Of(10));

        var result = await Store.StageAsync(source, AnImage.Describe(AnImage.Of(1001)), limit: 1000, Now);

        Assert.Equal(StageRefusal.LargerThanAllowed, result.Refusal);
        Assert.Equal(0, source.Given);
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task An_upload_that_ends_early_is_described_as_what_came()
    {
        var bytes = AnImage.Of(5_000);

        var result = await Store.StageAsync(new MemoryStream(bytes), AnImage.Describe(AnImage.Of(9_000)), Limit, Now);

        await using var staged = result.Image!;
        Assert.Equal(5_000, staged.Description.Size);
    }

    [Fact]
    public async Task An_upload_cancelled_in_the_middle_leaves_nothing()
    {
        using var cancel = new CancellationTokenSource();
        var source = new UploadStream(AnImage.Of(200_000))
        {
            OnPiece = given => { if (given == 150_000) cancel.Cancel(); },
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => Store.StageAsync(source, AnImage.Describe(AnImage.Of(200_000)), Limit, cancel.Token));

        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task An_upload_whose_connection_breaks_leaves_nothing()
    {
        var source = new UploadStream(AnImage.Of(200_000))
        {
            OnPiece = given => { if (given == 150_000) throw new IOException("The connection was reset."); },
        };

        await Assert.ThrowsAsync<IOException>(
            () => Store.StageAsync(source, AnImage.Describe(AnImage.Of(200_000)), Limit, Now));

        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task Committing_the_same_bytes_again_succeeds_and_keeps_the_one_file()
    {
        var bytes = AnImage.Of(10_000);
        var first = await StoreAsync(bytes);

        Assert.Equal(first, await StoreAsync(bytes));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task Many_commits_of_the_same_bytes_at_once_all_succeed()
    {
        var bytes = AnImage.Of(100_000);

        var stored = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => StoreAsync(bytes)));

        Assert.Single(stored.Distinct());
        Assert.Equal(bytes, await ReadAsync(stored[0]));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task Other_bytes_under_the_name_are_damage_and_are_replaced()
    {
        var bytes = AnImage.Of(10_000);
        var stored = await StoreAsync(bytes);
        await DamageAsync(stored.Sha256, bytes[..5_000]);

        await StoreAsync(bytes);

        Assert.Equal(bytes, await ReadAsync(stored));
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_at_start_and_images_are_not()
    {
        var stored = await StoreAsync(AnImage.Of(10_000));
        await File.WriteAllBytesAsync(Path.Combine(Folder, ".incoming", "half"), AnImage.Of(500), Now);

        var restarted = await OpenAsync();

        Assert.Equal(1, await restarted.PrepareAsync(Now));
        Assert.Empty(Leftovers());
        Assert.True(await restarted.ExistsAsync(stored.Sha256, Now));
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(99, 901)]
    [InlineData(9_999, 1)]
    [InlineData(0, 10_000)]
    public async Task A_part_of_an_image_is_that_part(int first, int length)
    {
        var bytes = AnImage.Of(10_000);
        var stored = await StoreAsync(bytes);

        Assert.Equal(bytes[first..(first + length)], await ReadAsync(stored.Sha256, first, length));
    }

    [Theory]
    [InlineData(9_990, 20, 10)]
    [InlineData(10_000, 5, 0)]
    [InlineData(20_000, 5, 0)]
    public async Task A_part_that_reaches_beyond_the_end_has_fewer_bytes(int first, int length, int expected)
    {
        var stored = await StoreAsync(AnImage.Of(10_000));

        Assert.Equal(expected, (await ReadAsync(stored.Sha256, first, length)).Length);
    }

    [Fact]
    public async Task A_deleted_image_is_gone_and_the_others_stay()
    {
        var gone = await StoreAsync(AnImage.Of(10_000));
        var stays = await StoreAsync(AnImage.Of(10_000, seed: 2));

        await Store.DeleteAsync(gone.Sha256, Now);
        await Store.DeleteAsync(gone.Sha256, Now);

        Assert.False(await Store.ExistsAsync(gone.Sha256, Now));
        Assert.Null(await Store.OpenAsync(gone.Sha256, 0, 1, Now));
        Assert.Equal([stays.Sha256], await NamesAsync());
    }

    [Fact]
    public async Task A_deleted_image_can_be_stored_again()
    {
        var bytes = AnImage.Of(10_000);
        await Store.DeleteAsync((await StoreAsync(bytes)).Sha256, Now);

        Assert.Equal(bytes, await ReadAsync(await StoreAsync(bytes)));
    }

    [Fact]
    public async Task All_images_are_listed_with_the_time_they_came()
    {
        var before = DateTimeOffset.UtcNow.AddSeconds(-2);
        var (one, other) = (await StoreAsync(AnImage.Of(1000)), await StoreAsync(AnImage.Of(1000, seed: 2)));
        await using var onItsWay = await StageAsync(AnImage.Of(1000, seed: 3));

        var listed = await Store.AllAsync(Now).ToArrayAsync(Now);

        Assert.Equal(new[] { one.Sha256, other.Sha256 }.Order(), listed.Select(image => image.Sha256).Order());
        Assert.All(listed, image => Assert.InRange(image.Written, before, DateTimeOffset.UtcNow.AddSeconds(2)));
    }

    [Theory]
    [InlineData("../../../../etc/passwd")]
    [InlineData("")]
    [InlineData("ABCDEF")]
    [InlineData("..aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public async Task A_name_that_is_no_hash_never_becomes_a_path(string name)
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.ExistsAsync(name, Now));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.OpenAsync(name, 0, 1, Now));
        await Assert.ThrowsAsync<ArgumentException>(async () => await Store.DeleteAsync(name, Now));
    }

    private protected string[] Leftovers() => Directory.GetFiles(Path.Combine(Folder, ".incoming"));

    private protected async Task<string[]> NamesAsync() =>
        await Store.AllAsync(Now).Select(image => image.Sha256).ToArrayAsync(Now);

    private protected Task<byte[]> ReadAsync(StoredImage image) => ReadAsync(image.Sha256, 0, image.Size);

    private protected async Task<byte[]> ReadAsync(string sha256, long first, long length)
    {
        await using var reader = (await Store.OpenAsync(sha256, first, length, Now))!;
        using var all = new MemoryStream();
        var buffer = new byte[3000];
        for (int read; (read = await reader.ReadAsync(buffer, Now)) > 0;)
            all.Write(buffer, 0, read);
        return all.ToArray();
    }

    private protected async Task<StagedImage> StageAsync(byte[] bytes, IImageStore? store = null) =>
        (await (store ?? Store).StageAsync(new MemoryStream(bytes), AnImage.Describe(bytes), Limit, Now)).Image!;

    private protected async Task<StoredImage> StoreAsync(byte[] bytes)
    {
        await using var staged = await StageAsync(bytes);
        return await Store.CommitAsync(staged, Now);
    }
}
