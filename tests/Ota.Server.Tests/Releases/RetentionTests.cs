using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Images;
using Ota.Server.Releases;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Releases;

public sealed class RetentionTests : IAsyncLifetime
{
    private static readonly ABuild First = ABuild.Of("1.0.0", "the first build");
    private RunningServer _server = null!;
    private string _key = "";

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _key = await _server.AddProductAsync();
        await _server.UploadedAsync(First);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task An_image_goes_once_the_last_device_has_left_it_behind_and_its_days_are_over_and_the_release_stays()
    {
        var (quick, slow) = (await ADevice.EnrollAsync(_server, _key), await ADevice.EnrollAsync(_server, _key, "02:00:00:00:00:02"));
        await _server.RetainAsync(keep: 1);
        await DeployAsync(First);
        await quick.InstallAsync("1.0.0");
        await slow.InstallAsync("1.0.0");
        foreach (var version in new[] { "1.1.0", "1.2.0" })
        {
            await _server.UploadedAsync(ABuild.Of(version, version));
            await DeployAsync(ABuild.Of(version));
            await quick.InstallAsync(version);
        }

        await PassAsync(days: 30, isThere: true);
        await slow.InstallAsync("1.2.0");
        // It may fall back to it.
        await PassAsync(days: 60, isThere: true);
        await _server.UploadedAsync(ABuild.Of("1.3.0", "1.3.0"));
        await DeployAsync(ABuild.Of("1.3.0"));
        await slow.InstallAsync("1.3.0");
        await PassAsync(days: 61, isThere: true);
        await PassAsync(days: 71, isThere: false);

        var release = await ReleaseAsync("1.0.0");
        Assert.Equal(First.Statement.Image.Sha256, release.GetProperty("image").GetProperty("sha256").GetString());
        Assert.Equal(_server.Time.GetUtcNow(), release.GetProperty("image").GetProperty("deleted").GetDateTimeOffset(), TimeSpan.FromMinutes(5));
        Assert.Equal(First.Statement.Sign(First.Key), await _server.Admin.GetStringAsync("api/v1/products/kettle/releases/1.0.0/statement", Now));
        using var fetched = await quick.GetAsync("images/" + First.Statement.Image.Sha256);
        Assert.Equal(HttpStatusCode.NotFound, fetched.StatusCode);
        var entry = (await _server.GetAsync("api/v1/audit")).EnumerateArray().Last();
        Assert.Equal(("release.delete-image", "retention", "kettle 1.0.0"), (Text(entry, "action"), Text(entry, "who"), Text(entry, "subject")));
        Assert.Contains(First.Statement.Image.Sha256, Text(entry, "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_release_without_its_image_is_not_ordered_until_the_same_build_is_pushed_again()
    {
        var device = await ADevice.EnrollAsync(_server, _key);
        await GoneAsync();

        foreach (var order in new object[]
        {
            new { product = "kettle", version = "1.0.0", device = device.Id },
            new { product = "kettle", version = "1.0.0", all = true },
            new { product = "kettle", version = "1.0.0", group = "kitchens" },
        })
        {
            using var refused = await _server.Admin.PostAsJsonAsync("api/v1/deployments", order, Now);
            Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
            var problem = await refused.Content.ReadFromJsonAsync<JsonElement>(Now);
            Assert.Equal("urn:ota:problem:image-deleted", Text(problem, "type"));
            Assert.Contains("Push the same build again", Text(problem, "detail"), StringComparison.Ordinal);
        }

        using (var again = await _server.UploadAsync(First))
            Assert.Equal(HttpStatusCode.OK, again.StatusCode);
        Assert.Equal(JsonValueKind.Null, (await ReleaseAsync("1.0.0")).GetProperty("image").GetProperty("deleted").ValueKind);
        await _server.RestartAsync();
        // Its days begin anew, or it would go within the hour.
        await PassAsync(isThere: true);
        await DeployAsync(First);
        await device.InstallAsync("1.0.0");
    }

    [Fact]
    public async Task Signed_anew_and_under_another_version_the_same_bytes_bring_the_image_back_too()
    {
        await GoneAsync();
        await _server.UploadedAsync(First with { Statement = First.Statement with { Created = 1767225601 } });
        await PassAsync(isThere: true);

        _server.Time.Ahead += TimeSpan.FromDays(20);
        await _server.RetentionPassAsync();
        Assert.False(File.Exists(_server.FileOf(First)));
        await _server.UploadedAsync(First with { Statement = First.Statement with { Version = "1.5.0" } });

        Assert.Equal(JsonValueKind.Null, (await ReleaseAsync("1.0.0")).GetProperty("image").GetProperty("deleted").ValueKind);
        await PassAsync(isThere: true);
    }

    [Fact]
    public async Task A_rollout_goes_on_where_it_stood_once_its_image_is_back()
    {
        await DeployAsync(First);
        await _server.UploadedAsync(ABuild.Of("1.1.0", "newer"));
        var later = (await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", all = true })).GetProperty("rollout").GetInt64();
        await _server.RetainAsync(keep: 1);
        // The first pass sees that the later one leaves it no device.
        await PassAsync(days: 20, isThere: false);
        await _server.PostAsync($"api/v1/rollouts/{later}/abort", new { });
        var device = await ADevice.EnrollAsync(_server, _key);
        await device.HeldAsync();

        await _server.UploadedAsync(First);

        await device.InstallAsync("1.0.0");
    }

    [Fact]
    public async Task A_withdrawn_release_does_not_come_back_nor_does_its_file()
    {
        await _server.PostAsync("api/v1/products/kettle/releases/1.0.0/withdraw", new { reason = "it burns" });
        await GoneAsync();

        using var again = await _server.UploadAsync(First);

        Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        Assert.False(File.Exists(_server.FileOf(First)));
    }

    [Fact]
    public async Task What_was_dropped_stays_where_it_lies_and_brings_no_image_back_by_lying_there()
    {
        var dropped = ABuild.Of("0.9.0", "dropped");
        Assert.Equal("accepted", await _server.DroppedAsync(dropped));
        await GoneAsync();
        Assert.False(File.Exists(_server.FileOf(dropped)));

        await _server.RestartAsync();

        Assert.Equal("accepted", await _server.VerdictAsync("kettle/0.9.0", _ => true));
        Assert.False(File.Exists(_server.FileOf(dropped)));
        Assert.Equal(dropped.Bytes, await File.ReadAllBytesAsync(Path.Combine(_server.Releases, "kettle", "0.9.0", "image.bin"), Now));
        await _server.UploadedAsync(dropped);
        Assert.True(File.Exists(_server.FileOf(dropped)));
    }

    [Fact]
    public async Task A_crash_between_the_mark_and_the_removal_is_finished_at_the_next_start()
    {
        await GoneAsync();

        await _server.StoppedAsync(() => File.WriteAllBytes(_server.FileOf(First), First.Bytes));

        Assert.False(File.Exists(_server.FileOf(First)));
    }

    [Fact]
    public async Task A_file_that_could_not_be_removed_goes_with_the_next_pass_and_what_was_marked_is_not_served()
    {
        await GoneAsync();
        await File.WriteAllBytesAsync(_server.FileOf(First), First.Bytes, Now);
        using (var served = await _server.Admin.GetAsync("images/" + First.Statement.Image.Sha256, Now))
            Assert.Equal(HttpStatusCode.NotFound, served.StatusCode);

        await PassAsync(isThere: false);
    }

    [Fact]
    public async Task A_download_under_way_is_not_broken()
    {
        var large = ABuild.Of("0.5.0", new string('x', 8 << 20));
        await _server.UploadedAsync(large);
        using var answer = await _server.Admin.GetAsync(
            "images/" + large.Statement.Image.Sha256, HttpCompletionOption.ResponseHeadersRead, Now);
        await using var body = await answer.Content.ReadAsStreamAsync(Now);
        await body.ReadExactlyAsync(new byte[1000], Now);

        await GoneAsync();

        Assert.False(File.Exists(_server.FileOf(large)));
        using var rest = new MemoryStream();
        rest.Write(large.Bytes, 0, 1000);
        await body.CopyToAsync(rest, Now);
        Assert.Equal(large.Statement.Image.Sha256, Convert.ToHexStringLower(SHA256.HashData(rest.ToArray())));
    }

    [Fact]
    public async Task An_upload_under_way_keeps_its_image_and_is_not_acknowledged_without_it()
    {
        await _server.UploadedAsync(ABuild.Of("1.1.0", "newer"));
        await _server.RetainAsync(keep: 1);
        var (half, rest) = (new TaskCompletionSource(), new TaskCompletionSource());
        var form = new MultipartFormDataContent
        {
            { new StringContent(First.Statement.Sign(First.Key)), "statement" },
            { new HaltingContent(First.Bytes, half, rest.Task), "image", "image.bin" },
        };
        var claims = _server.App.Services.GetRequiredService<ImageClaims>();
        // What came before this upload is none of it.
        claims.Begin();
        var upload = _server.Admin.PostAsync("api/v1/products/kettle/releases", form, Now);
        await half.Task;
        while (!claims.IsUploaded(First.Statement.Image.Sha256))
            await Task.Yield();

        await PassAsync(days: 20, isThere: true);
        rest.SetResult();

        using var answer = await upload;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.True(File.Exists(_server.FileOf(First)));
    }

    [Theory]
    [InlineData("a deployment")]
    [InlineData("a rollout")]
    [InlineData("a release with the same bytes")]
    [InlineData(null)]
    public async Task What_was_promised_after_the_decision_undoes_it(string? promised)
    {
        var device = await ADevice.EnrollAsync(_server, _key);
        await device.HeldAsync();
        var releases = _server.App.Services.GetRequiredService<ReleaseCatalog>();
        var (decided, seen) = (releases.Of("kettle"), new Seen(Instruction: 0, Rollouts: []));
        switch (promised)
        {
            case "a deployment":
                await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", device = device.Id });
                break;
            case "a rollout":
                await DeployAsync(First);
                break;
            case not null:
                await _server.UploadedAsync(First with { Statement = First.Statement with { Version = "1.5.0" } });
                break;
        }

        Assert.Equal(promised is null, await releases.GiveUpAsync(decided, seen, _server.Time.GetUtcNow(), Now));
    }

    [Fact]
    public async Task Files_that_no_release_names_go_after_a_day_so_many_at_a_time_and_nothing_else()
    {
        var images = Path.Combine(_server.Releases, ".images");
        var folder = Directory.CreateDirectory(Path.Combine(images, "ab")).FullName;
        var orphans = Enumerable.Range(0, RetentionPass.MostInAPass + 5).Select(i => Path.Combine(folder, $"ab{i:x62}")).ToArray();
        var others = new[] { Path.Combine(folder, "notes.txt"), Path.Combine(images, "readme"), Path.Combine(folder, $"cd{1:x62}") };
        foreach (var path in orphans.Concat(others))
            await File.WriteAllTextAsync(path, "left", Now);
        await PassAsync(isThere: true);
        Assert.All(orphans, orphan => Assert.True(File.Exists(orphan)));

        await PassAsync(days: 1.1, isThere: true);
        Assert.Equal(5, orphans.Count(File.Exists));
        await PassAsync(isThere: true);

        Assert.Equal(0, orphans.Count(File.Exists));
        Assert.All(others, other => Assert.True(File.Exists(other)));
    }

    [Fact]
    public async Task A_file_that_another_server_has_just_vouched_for_is_no_orphan()
    {
        var build = ABuild.Of("2.0.0", "left by a crash, then sent again");
        var file = _server.FileOf(build);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await File.WriteAllBytesAsync(file, build.Bytes, Now);
        await WriteAsync($"INSERT INTO images (sha256, md5, size, format, stored) VALUES ('{build.Statement.Image.Sha256}', '', {build.Bytes.Length}, 'raw', 0)");

        await PassAsync(days: 2, isThere: true);

        Assert.True(File.Exists(file));
    }

    [Fact]
    public async Task An_image_that_another_server_has_just_brought_back_is_not_removed_at_the_start()
    {
        await GoneAsync();
        await File.WriteAllBytesAsync(_server.FileOf(First), First.Bytes, Now);
        await WriteAsync("UPDATE images SET deleted = NULL");

        await _server.App.Services.GetRequiredService<RetentionPass>().FinishAsync(Now);

        Assert.True(File.Exists(_server.FileOf(First)));
    }

    private Task<int> WriteAsync(string sql) => _server.App.Services.GetRequiredService<Database>().WriteAsync(connection => connection.Execute(sql), Now);

    [Theory]
    [InlineData(0, 10)]
    [InlineData(1001, 10)]
    [InlineData(1, 0)]
    [InlineData(1, 3651)]
    public async Task A_retention_out_of_bounds_is_refused_and_the_one_before_stays(int keep, int days)
    {
        await _server.RetainAsync(keep: 5, days: 30);

        using var answer = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/retention", new { retention = new { keep, days } }, Now);

        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        await _server.RestartAsync();
        var retention = (await _server.GetAsync("api/v1/products/kettle")).GetProperty("retention");
        Assert.Equal((5, 30), (retention.GetProperty("keep").GetInt32(), retention.GetProperty("days").GetInt32()));
        await _server.RetainAsync(keep: null);
        Assert.Equal(JsonValueKind.Null, (await _server.GetAsync("api/v1/products/kettle")).GetProperty("retention").ValueKind);
        var said = (await _server.GetAsync("api/v1/audit")).EnumerateArray().Where(entry => Text(entry, "action") == "product.retention");
        Assert.Equal(["keeps the newest 5, others 30 days", "keeps every image"], said.Select(entry => Text(entry, "detail")));
    }

    // Everything but the newest, of which there is one more now.
    private async Task GoneAsync()
    {
        await _server.UploadedAsync(ABuild.Of("7.0.0", "the newest"));
        await _server.RetainAsync(keep: 1);
        await PassAsync(days: 20, isThere: false);
    }

    private async Task PassAsync(bool isThere, double? days = null)
    {
        if (days is { } ahead)
            _server.Time.Ahead = TimeSpan.FromDays(ahead);
        await _server.RetentionPassAsync();
        Assert.Equal(isThere, File.Exists(_server.FileOf(First)));
        using var answer = await _server.Admin.GetAsync("images/" + First.Statement.Image.Sha256, Now);
        Assert.True(isThere == answer.IsSuccessStatusCode, $"{answer.StatusCode} {await answer.Content.ReadAsStringAsync(Now)}");
    }

    private Task<JsonElement> DeployAsync(ABuild build) =>
        _server.PostAsync("api/v1/deployments", new { product = "kettle", version = build.Statement.Version, all = true });

    private Task<JsonElement> ReleaseAsync(string version) => _server.GetAsync("api/v1/products/kettle/releases/" + version);

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    private static CancellationToken Now => TestContext.Current.CancellationToken;

    /// <summary>Sends half, says so, and sends the rest when it may.</summary>
    private sealed class HaltingContent(byte[] bytes, TaskCompletionSource half, Task rest) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(bytes.AsMemory(0, bytes.Length / 2), Now);
            await stream.FlushAsync(Now);
            half.SetResult();
            await rest;
            await stream.WriteAsync(bytes.AsMemory(bytes.Length / 2), Now);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes.Length;
            return true;
        }
    }
}
