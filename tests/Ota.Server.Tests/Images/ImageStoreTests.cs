using System.Security.Cryptography;
using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

public sealed class ImageStoreTests : IDisposable
{
    private const long Limit = 64 << 20;

    private readonly TempFolder _folder = new();
    private readonly ImageStore _store;

    public ImageStoreTests() => _store = new ImageStore(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(65536)]
    [InlineData(65537)]
    [InlineData(1_000_003)]
    public async Task A_committed_image_is_found_by_its_hash_and_has_the_bytes_that_came(int size)
    {
        var bytes = AnImage.Of(size);

        var stored = await StoreAsync(bytes);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(bytes)), stored.Sha256);
        Assert.Equal(AnImage.Describe(bytes).Md5, stored.Md5);
        Assert.Equal(size, stored.Size);
        Assert.Equal(Path.Combine(_folder.Path, stored.Sha256[..2], stored.Sha256), stored.Path);
        Assert.True(_store.Exists(stored.Sha256));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(stored.Path, Now));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task A_staged_upload_is_described_as_the_signing_library_describes_it()
    {
        var bytes = AnImage.Of(1_000_003);

        await using var staged = await StageAsync(bytes);

        Assert.Equivalent(AnImage.Describe(bytes), staged.Description, strict: true);
        Assert.Equal(bytes.AsSpan(0, ImageStore.HeadSize), staged.Head.Span);
    }

    [Fact]
    public async Task A_source_that_gives_a_byte_at_a_time_makes_no_difference()
    {
        var bytes = AnImage.Of(10_000);

        var result = await _store.StageAsync(new UploadStream(bytes), AnImage.Describe(bytes), Limit, Now);

        await using var staged = result.Image!;
        Assert.Equivalent(AnImage.Describe(bytes), staged.Description, strict: true);
    }

    [Fact]
    public async Task An_upload_that_was_not_committed_is_invisible_and_gone_once_disposed()
    {
        var bytes = AnImage.Of(10_000);

        await using (var staged = await StageAsync(bytes))
        {
            Assert.False(_store.Exists(staged.Description.Sha256));
            Assert.Null(_store.Open(staged.Description.Sha256));
            Assert.Single(Leftovers());
        }

        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task An_upload_stops_at_the_first_byte_beyond_what_was_announced()
    {
        var announced = AnImage.Describe(AnImage.Of(100_000));
        var endless = new UploadStream(AnImage.Of(200_000));

        var result = await _store.StageAsync(endless, announced, Limit, Now);

        Assert.Equal(StageRefusal.LongerThanStated, result.Refusal);
        Assert.Equal(100_001, endless.Given);
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task An_upload_announced_larger_than_allowed_is_refused_unread()
    {
        var source = new UploadStream(AnImage.Of(10));

        var result = await _store.StageAsync(source, AnImage.Describe(AnImage.Of(1001)), limit: 1000, Now);

        Assert.Equal(StageRefusal.LargerThanAllowed, result.Refusal);
        Assert.Equal(0, source.Given);
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task An_upload_that_ends_early_is_described_as_what_came()
    {
        var bytes = AnImage.Of(5_000);

        var result = await _store.StageAsync(new MemoryStream(bytes), AnImage.Describe(AnImage.Of(9_000)), Limit, Now);

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
            () => _store.StageAsync(source, AnImage.Describe(AnImage.Of(200_000)), Limit, cancel.Token));

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
            () => _store.StageAsync(source, AnImage.Describe(AnImage.Of(200_000)), Limit, Now));

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
        Assert.Equal(bytes, await File.ReadAllBytesAsync(stored[0].Path, Now));
        Assert.Empty(Leftovers());
    }

    [Fact]
    public async Task A_file_of_another_size_under_the_name_is_damage_and_is_replaced()
    {
        var bytes = AnImage.Of(10_000);
        var stored = await StoreAsync(bytes);
        await File.WriteAllBytesAsync(stored.Path, bytes[..5_000], Now);

        await StoreAsync(bytes);

        Assert.Equal(bytes, await File.ReadAllBytesAsync(stored.Path, Now));
    }

    [Fact]
    public async Task What_a_killed_process_left_is_removed_at_start_and_images_are_not()
    {
        var stored = await StoreAsync(AnImage.Of(10_000));
        await File.WriteAllBytesAsync(Path.Combine(_folder.Path, ".incoming", "half"), AnImage.Of(500), Now);

        var restarted = new ImageStore(_folder.Path);

        Assert.Equal(1, restarted.RemoveLeftovers());
        Assert.Empty(Leftovers());
        Assert.True(restarted.Exists(stored.Sha256));
    }

    [Fact]
    public async Task A_deleted_image_is_gone_and_a_download_under_way_still_reads_it()
    {
        var bytes = AnImage.Of(10_000);
        var stored = await StoreAsync(bytes);
        using var handle = _store.Open(stored.Sha256);

        _store.Delete(stored.Sha256);
        _store.Delete(stored.Sha256);

        Assert.False(_store.Exists(stored.Sha256));
        var read = new byte[bytes.Length];
        Assert.Equal(read.Length, RandomAccess.Read(handle!, read, 0));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("../../../../etc/passwd")]
    [InlineData("")]
    [InlineData("ABCDEF")]
    [InlineData("..aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    public void A_name_that_is_no_hash_never_becomes_a_path(string name) =>
        Assert.Throws<ArgumentException>(() => _store.PathOf(name));

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    private string[] Leftovers() => Directory.GetFiles(Path.Combine(_folder.Path, ".incoming"));

    private async Task<StagedImage> StageAsync(byte[] bytes) =>
        (await _store.StageAsync(new MemoryStream(bytes), AnImage.Describe(bytes), Limit, Now)).Image!;

    private async Task<StoredImage> StoreAsync(byte[] bytes)
    {
        await using var staged = await StageAsync(bytes);
        return await _store.CommitAsync(staged, Now);
    }
}
