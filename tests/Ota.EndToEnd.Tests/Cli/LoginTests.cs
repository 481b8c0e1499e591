namespace Ota.EndToEnd.Tests.Cli;

public sealed class LoginTests : IDisposable
{
    private const string Whoami = """{"name":"ada","role":"admin"}""";
    private const string Key = "ota_0123456789_secret";
    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;

    public LoginTests() => _ota = new OtaCommand(_folder.Path) { ["OTA_KEY"] = "", ["OTA_SERVER"] = "" };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_login_is_kept_for_its_owner_only_and_used_by_the_next_command()
    {
        await using var server = await StubServer.StartAsync(200, "application/json", Whoami);

        var login = (await _ota.RunAsync(Key + "\n", ["login", "--server", server.Address, "--staff-key-stdin"])).Succeeded();
        var me = (await _ota.RunAsync("whoami", "--json")).Succeeded().Json;

        Assert.Equal("ada", me.GetProperty("name").GetString());
        Assert.All(server.Requests, request => Assert.Equal("Bearer " + Key, request.Authorization));
        Assert.DoesNotContain(Key, login.Out + login.Error, StringComparison.Ordinal);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["config/config.json"]));
    }

    [Fact]
    public async Task A_key_the_server_refuses_is_not_kept()
    {
        await using var server = await StubServer.StartAsync(401, "application/problem+json", """{"title":"Unauthorized"}""");
        File.WriteAllText(_folder["key"], Key);

        var login = await _ota.RunAsync("login", "--server", server.Address, "--staff-key-file", "key");

        Assert.Equal(1, login.ExitCode);
        Assert.False(File.Exists(_folder["config/config.json"]));
    }

    [Fact]
    public async Task A_stored_key_is_never_sent_to_another_server()
    {
        await using var mine = await StubServer.StartAsync(200, "application/json", Whoami);
        await using var other = await StubServer.StartAsync(200, "application/json", Whoami);
        (await _ota.RunAsync(Key, ["login", "--server", mine.Address, "--staff-key-stdin"])).Succeeded();

        var result = await _ota.RunAsync("whoami", "--server", other.Address);

        Assert.Equal(2, result.ExitCode);
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task An_option_goes_before_the_environment_and_that_before_the_stored_login()
    {
        await using var server = await StubServer.StartAsync(200, "application/json", Whoami);
        (await _ota.RunAsync(Key, ["login", "--server", server.Address, "--staff-key-stdin"])).Succeeded();

        _ota["OTA_KEY"] = "ota_environment";
        (await _ota.RunAsync("whoami")).Succeeded();
        (await _ota.RunAsync("whoami", "--staff-key", "ota_option")).Succeeded();

        Assert.Equal(["Bearer " + Key, "Bearer ota_environment", "Bearer ota_option"], server.Requests.Select(r => r.Authorization));
    }

    [Fact]
    public async Task Without_any_key_the_sentence_says_where_one_may_come_from()
    {
        var result = await _ota.RunAsync("whoami");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("ota login", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_below_a_path_is_asked_below_that_path()
    {
        await using var server = await StubServer.StartAsync(200, "application/json", Whoami);
        _ota["OTA_KEY"] = Key;

        (await _ota.RunAsync("whoami", "--server", server.Address + "/ota")).Succeeded();

        Assert.Equal("/ota/api/v1/whoami", server.Requests.Single().Path);
    }
}
