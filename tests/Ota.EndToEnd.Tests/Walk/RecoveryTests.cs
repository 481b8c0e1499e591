using System.Text.Json;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>A support agent, a serial number, a customer on the phone: the commands against a real server and virtual devices.</summary>
public sealed class RecoveryTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;
    private string _device = "";

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem");
        File.WriteAllText(_folder["app.bin"], "app");
        await DoneAsync("release", "push", "kettle", "1.0.0", "app.bin", "--key", "acme.pem", "--hardware", "virtual");
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");
        await SimulateAsync();
        _device = (await DoneAsync("device", "list", "--json")).Json[0].GetProperty("id").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Support_recovers_one_unit_and_sees_it_come_back()
    {
        var refused = await _ota.RunAsync("recover", _device, "--reason", "the router is new");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("--kind recovery", refused.Error, StringComparison.Ordinal);
        File.WriteAllText(_folder["rescue.bin"], "rescue");
        await DoneAsync("release", "push", "kettle", "9.0.0", "rescue.bin", "--key", "acme.pem", "--hardware", "virtual", "--kind", "recovery");
        var support = (await DoneAsync("staff", "add", "sam", "--role", "support", "--json")).Json.GetProperty("key").GetString()!;
        _ota["OTA_KEY"] = support;

        var armed = await DoneAsync("recover", _device, "--reason", "the router is new", "--expires", "36h");
        Assert.Contains("Armed: ", armed.Out, StringComparison.Ordinal);
        Assert.Contains("will run recovery 9.0.0 once", armed.Out, StringComparison.Ordinal);
        var again = await DoneAsync("recover", _device, "--reason", "my colleague asked too");
        Assert.Contains("under way already", again.Out, StringComparison.Ordinal);

        _ota["OTA_KEY"] = _server.AdminKey;
        await SimulateAsync();

        var story = (await DoneAsync("device", "show", _device, "--json")).Json;
        Assert.Equal("completed", story.GetProperty("state").GetString());
        Assert.Equal("1.0.0", story.GetProperty("running").GetString());
        var shown = (await DoneAsync("device", "show", _device)).Out;
        Assert.Contains("Recovery ordered: the router is new", shown, StringComparison.Ordinal);
        Assert.Contains("sam", shown, StringComparison.Ordinal);
        Assert.Contains("The recovery is completed", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unit_is_transferred_to_its_next_owner_only_by_someone_who_says_so()
    {
        var unsure = await _ota.RunAsync("device", "transfer", _device, "--to", "second-hand", "--reason", "sold");
        Assert.Equal(2, unsure.ExitCode);
        Assert.Contains("--yes", unsure.Error, StringComparison.Ordinal);

        await DoneAsync("device", "transfer", _device, "--to", "second-hand", "--reason", "sold", "--yes");
        await SimulateAsync();

        var story = (await DoneAsync("device", "show", _device, "--json")).Json;
        Assert.Equal("second-hand", story.GetProperty("group").GetString());
        Assert.Equal(2, story.GetProperty("generation").GetInt64());
        Assert.Equal("1.0.0", story.GetProperty("running").GetString());
    }

    [Theory]
    [InlineData("14")]
    [InlineData("d")]
    [InlineData("-1d")]
    [InlineData("1w")]
    public async Task A_time_that_is_none_is_wrong_usage(string expires)
    {
        var result = await _ota.RunAsync("recover", _device, "--reason", "x", $"--expires={expires}");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("14d", result.Error, StringComparison.Ordinal);
    }

    private Task<CommandResult> SimulateAsync() => DoneAsync("simulate", "kettle", "--count", "1", "--once", "--json");

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();
}
