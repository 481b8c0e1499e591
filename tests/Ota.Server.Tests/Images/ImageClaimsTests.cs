using Ota.Server.Data;
using Ota.Server.Images;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Images;

public sealed class ImageClaimsTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-claims-").FullName;
    private readonly SqliteDatabase _database;
    private readonly ImageClaims _claims;

    public ImageClaimsTests()
    {
        _database = new SqliteDatabase(Path.Combine(_folder, "ota.db"));
        _claims = new ImageClaims(_database);
    }

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Servers_that_share_images_share_the_claims_to_them()
    {
        var shared = await PostgreSql.Instance.NewDatabaseAsync();
        await using var one = new PostgresDatabase(shared);
        await using var other = new PostgresDatabase(shared);
        var (here, there) = (new ImageClaims(one), new ImageClaims(other));

        using (await here.ForUploadAsync("a", Now))
        using (await there.ForUploadAsync("a", Now))
            Assert.Null(new ImageClaims(other).TryForRemoval("a"));

        using (there.TryForRemoval("b"))
        {
            Assert.Null(here.TryForRemoval("b"));
            using var another = here.TryForRemoval("c");
            Assert.NotNull(another);
        }

        using var removal = here.TryForRemoval("b");
        Assert.NotNull(removal);
    }

    [Fact]
    public async Task What_an_upload_refers_to_is_not_removed_until_the_last_one_is_over_and_a_new_look_was_taken()
    {
        using (await _claims.ForUploadAsync("a", Now))
        {
            using var second = await _claims.ForUploadAsync("a", Now);
            _claims.Begin();
            Assert.True(_claims.IsUploaded("a"));
            Assert.Null(_claims.TryForRemoval("a"));
        }

        _claims.Begin();
        using (await _claims.ForUploadAsync("a", Now))
            Assert.Null(_claims.TryForRemoval("a"));
        // Whoever decides on it now has looked before it came.
        Assert.Null(_claims.TryForRemoval("a"));
        Assert.True(_claims.IsUploaded("a"));

        _claims.Begin();
        Assert.False(_claims.IsUploaded("a"));
        using var removal = _claims.TryForRemoval("a");
        Assert.NotNull(removal);
        Assert.Null(_claims.TryForRemoval("a"));
        Assert.NotNull(_claims.TryForRemoval("b"));
    }

    [Fact]
    public async Task An_upload_waits_while_the_image_is_being_removed_and_another_does_not()
    {
        var removal = _claims.TryForRemoval("a");
        var upload = _claims.ForUploadAsync("a", Now);
        using var other = await _claims.ForUploadAsync("b", Now);
        Assert.False(upload.IsCompleted);

        removal!.Dispose();
        removal.Dispose();

        using var claim = await upload;
        Assert.Null(_claims.TryForRemoval("a"));
    }

    private static CancellationToken Now => TestContext.Current.CancellationToken;
}
