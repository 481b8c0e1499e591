using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Releases;

public sealed class DropFolderTests : IAsyncLifetime
{
    private RunningServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_build_that_is_dropped_is_taken_as_an_upload_is_and_told_so_beside_it()
    {
        Assert.Equal("accepted", await _server.DroppedAsync(ABuild.Of("1.0.0")));
        Assert.Equal("refused", await _server.DroppedAsync(ABuild.Of("1.1.0") with { Key = RunningServer.StrangerKey }));

        Assert.Equal(1, (await _server.GetAsync("api/v1/products/kettle/releases")).GetArrayLength());
        Assert.Contains("1.0.0", await ToldAsync("1.0.0", "accepted.txt"), StringComparison.Ordinal);
        Assert.Contains("signature", await ToldAsync("1.1.0", "refused.txt"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_folder_that_cannot_be_read_keeps_no_other_from_its_verdict_and_is_tried_again()
    {
        var broken = Directory.CreateDirectory(Path.Combine(_server.Releases, "kettle", "0.9.0")).FullName;
        File.CreateSymbolicLink(Path.Combine(broken, "image.bin"), Path.Combine(broken, "nowhere"));
        File.CreateSymbolicLink(Path.Combine(broken, "image.jws"), Path.Combine(broken, "nowhere"));

        Assert.Equal("accepted", await _server.DroppedAsync(ABuild.Of("1.0.0")));
        Assert.Equal("waiting", await _server.VerdictAsync("kettle/0.9.0", _ => true));

        Directory.Delete(broken, recursive: true);
        Assert.Equal("accepted", await _server.DroppedAsync(ABuild.Of("0.9.0", "mended")));
    }

    [Theory]
    [InlineData("releases", "accepted")]
    [InlineData("audit", "refused")]
    public async Task A_database_that_fails_for_a_while_neither_stops_the_server_nor_loses_the_build(string table, string verdict)
    {
        using var database = new SqliteConnection($"Data Source={Path.Combine(_server.Data, "ota.db")}");
        database.Open();
        database.Execute($"CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'out of order'); END");
        var build = ABuild.Of("1.0.0");
        var dropped = _server.DroppedAsync(verdict == "accepted" ? build : build with { Key = RunningServer.StrangerKey });
        Assert.Equal("waiting", await _server.VerdictAsync("kettle/1.0.0", _ => true));
        Assert.False(_server.App.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping.IsCancellationRequested);

        database.Execute("DROP TRIGGER broken");

        Assert.Equal(verdict, await dropped);
        var audited = verdict == "accepted" ? "release.add" : "release.refuse";
        Assert.Equal(1, database.ExecuteScalar<int>("SELECT count(*) FROM audit WHERE action = @audited", new { audited }));
    }

    [Fact]
    public async Task A_verdict_that_cannot_be_written_beside_the_build_stands_all_the_same()
    {
        var inTheWay = Directory.CreateDirectory(Path.Combine(_server.Releases, "kettle", "1.0.0", "accepted.txt")).FullName;
        Assert.Equal("accepted", await _server.DroppedAsync(ABuild.Of("1.0.0")));

        Directory.Delete(inTheWay);

        Assert.Contains("1.0.0", await ToldAsync("1.0.0", "accepted.txt"), StringComparison.Ordinal);
        Assert.Equal("accepted", await _server.VerdictAsync("kettle/1.0.0", _ => true));
    }

    // The verdict is in the answer of the server a moment before it is beside the build.
    private async Task<string> ToldAsync(string version, string file)
    {
        var path = Path.Combine(_server.Releases, "kettle", version, file);
        var patience = DateTime.UtcNow.AddSeconds(30);
        while (!File.Exists(path) || new FileInfo(path).Length == 0)
        {
            Assert.True(DateTime.UtcNow < patience, $"There is no {file}.");
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        return await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
    }
}
