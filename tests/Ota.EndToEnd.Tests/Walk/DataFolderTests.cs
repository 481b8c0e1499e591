using Dapper;
using Npgsql;
using Ota.Server.Tests.Running;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>What who owns the data folder does with it: back it up, restore it, move it to PostgreSQL.</summary>
public sealed class DataFolderTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem");
        await PushAsync("1.0.0");
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");
        await SimulateAsync("1.0.0");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_backup_is_made_while_the_server_runs_and_restored_while_it_does_not()
    {
        var made = await DoneAsync("server", "backup", "--out", "ota-backup.db", "--json");
        Assert.Equal((2, 1), (made.Json.GetProperty("devices").GetInt32(), made.Json.GetProperty("releases").GetInt32()));
        await PushAsync("2.0.0");
        await DoneAsync("deploy", "kettle", "2.0.0", "--all");
        await SimulateAsync("2.0.0");
        await RefusedAsync("Stop it first", "server", "restore", "ota-backup.db");

        await _server.KillAsync();
        var restored = await DoneAsync("server", "restore", "ota-backup.db");
        Assert.Contains("kept as", restored.Out, StringComparison.Ordinal);
        await _server.StartAsync();

        // It knows nothing of 2.0.0, and the devices keep it: nothing lowers a number or brings back what was ordered before.
        Assert.Single((await DoneAsync("release", "list", "kettle", "--json")).Json.EnumerateArray());
        await SimulateAsync("2.0.0");
        await PushAsync("3.0.0");
        await DoneAsync("deploy", "kettle", "3.0.0", "--all");
        await SimulateAsync("3.0.0");
    }

    [Fact]
    public async Task What_is_no_backup_of_this_server_is_not_restored()
    {
        await DoneAsync("server", "backup", "--out", "ota-backup.db");
        await _server.KillAsync();
        File.WriteAllText(_folder["text.db"], "no database at all");
        await RefusedAsync("no database of an Ota server", "server", "restore", "text.db");
        await RefusedAsync("There is no file", "server", "restore", "missing.db");

        var bytes = File.ReadAllBytes(_folder["ota-backup.db"]);
        Array.Fill(bytes, (byte)0x5a, bytes.Length / 2, 9000);
        File.WriteAllBytes(_folder["damaged.db"], bytes);
        var damaged = await _ota.RunAsync("server", "restore", "damaged.db");
        Assert.Equal(2, damaged.ExitCode);

        File.WriteAllText(_folder["data/master.key"], new string('0', 64) + "\n");
        await RefusedAsync("master.key", "server", "restore", "ota-backup.db");
        Assert.Empty(Directory.EnumerateFiles(_folder["data"], "*before*"));
    }

    [Fact]
    public async Task An_embedded_database_moves_to_PostgreSQL_and_its_devices_go_on()
    {
        var database = await PostgreSql.Instance.NewDatabaseAsync();
        _ota["OTA_DATABASE"] = database;
        await RefusedAsync("Stop it first", "server", "move");
        await _server.DisposeAsync();

        var moved = await DoneAsync("server", "move");
        Assert.Contains("devices", moved.Out, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["data/ota.db"]));
        await RefusedAsync("There is no ota.db", "server", "move");

        _server = await OtaServer.NewAsync(_folder["data"], database);
        _ota["OTA_SERVER"] = _server.Address.ToString();
        Assert.Equal(2, (await DoneAsync("device", "list", "--json")).Json.GetArrayLength());
        await PushAsync("2.0.0");
        await DoneAsync("deploy", "kettle", "2.0.0", "--all");
        await SimulateAsync("2.0.0");
        Assert.Contains("Offered 1.0.0", (await DoneAsync("device", "show", await DeviceAsync())).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_move_into_a_database_that_holds_something_or_is_not_there_leaves_everything_as_it_was()
    {
        var database = await PostgreSql.Instance.NewDatabaseAsync();
        await using (var other = await OtaServer.NewAsync(_folder["other"], database))
        {
            // Its first admin key is a row already.
        }

        await _server.DisposeAsync();
        _ota["OTA_DATABASE"] = database;
        var refused = await _ota.RunAsync("server", "move");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("not empty", refused.Error, StringComparison.Ordinal);
        await using (var connection = new NpgsqlConnection(database))
            Assert.Equal(0, await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM devices"));

        var gone = await _ota.RunAsync("server", "move", "--to", "Host=127.0.0.1;Port=1;Username=x;Password=sesame");
        Assert.Equal(3, gone.ExitCode);
        Assert.DoesNotContain("sesame", gone.Error, StringComparison.Ordinal);
        Assert.True(File.Exists(_folder["data/ota.db"]));
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota["OTA_SERVER"] = _server.Address.ToString();
        Assert.Equal(2, (await DoneAsync("device", "list", "--json")).Json.GetArrayLength());
    }

    private async Task PushAsync(string version)
    {
        File.WriteAllText(_folder["app.bin"], "firmware " + version);
        await DoneAsync("release", "push", "kettle", version, "app.bin", "--key", "acme.pem", "--hardware", "virtual");
    }

    private async Task SimulateAsync(string version)
    {
        var devices = (await DoneAsync("simulate", "kettle", "--count", "2", "--once", "--state", "fleet", "--json")).Json.EnumerateArray().ToArray();
        Assert.All(devices, device => Assert.Equal(version, device.GetProperty("running").GetString()));
    }

    private async Task<string> DeviceAsync() => (await DoneAsync("device", "list", "--json")).Json[0].GetProperty("id").GetString()!;

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();

    private async Task RefusedAsync(string sentence, params string[] arguments)
    {
        var result = await _ota.RunAsync(arguments);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(sentence, result.Error, StringComparison.Ordinal);
    }
}
