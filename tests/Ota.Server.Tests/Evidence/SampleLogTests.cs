using Microsoft.Extensions.Logging.Abstractions;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Evidence;

namespace Ota.Server.Tests.Evidence;

public sealed class SampleLogTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-samples-").FullName;
    private readonly SqliteDatabase _database;

    public SampleLogTests() => _database = new SqliteDatabase(Path.Combine(_folder, "ota.db"));

    public async ValueTask DisposeAsync()
    {
        await _database.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Who_wants_all_on_disk_waits_also_for_what_another_one_is_writing()
    {
        using var log = new SampleLog(_database, TimeProvider.System, NullLogger<SampleLog>.Instance);
        var now = DateTimeOffset.FromUnixTimeSeconds(1_767_225_600);
        var said = new CheckIn("1.0.0", null, SlotState.Confirmed, 0, 0, 0, 0, new Restart("crash", 0, 1), 60, -70, 1000, "esp32");
        using var release = new ManualResetEventSlim();
        var busy = _database.WriteAsync(_ => release.Wait(TimeSpan.FromSeconds(30)), CancellationToken.None);
        log.Add(new Device("one", "kettle", "24:6f", "esp32", now), said, now);
        var first = log.FlushAsync();
        Assert.Equal(0, log.Waiting);

        var second = log.FlushAsync();

        Assert.False(second.IsCompleted);
        release.Set();
        await second;
        Assert.True(first.IsCompleted);
        Assert.Single(_database.Read(connection => SampleTable.Since(connection, "one", since: 0)));
        await busy;
    }
}
