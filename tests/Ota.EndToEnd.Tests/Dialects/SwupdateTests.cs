namespace Ota.EndToEnd.Tests.Dialects;

/// <summary>Debian's SWUpdate, unmodified, in hawkBit mode against the server as a process. Skipped where it is missing, except in CI.</summary>
public sealed class SwupdateTests : IAsyncLifetime
{
    private const string Mac = "24:6f:28:aa:3f:30";
    private readonly TemporaryFolder _folder = new();
    private AFieldDevice _device = null!;
    private ASwuFile _developer = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/swupdate"), "SWUpdate is missing: apt-get install swupdate.");
        Assert.SkipUnless(File.Exists("/usr/bin/openssl"), "openssl is missing: apt-get install openssl.");
        _developer = new ASwuFile(_folder["developer"]);
        _device = await AFieldDevice.AdoptAsync(_folder["data"], "gateway", Mac, "hawkbit");
        await File.WriteAllTextAsync(_folder["certificate.pem"], _developer.Certificate);
    }

    public async ValueTask DisposeAsync()
    {
        if (_device is not null)
            await _device.DisposeAsync();
        _developer?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_takes_an_update_and_is_confirmed_once_it_has_restarted_into_it()
    {
        await _device.UploadAsync(_developer.Build("1.1.0", _folder["installed"], new string('x', 3_000_000)), "1.1.0");
        using (var old = Start("1.0.0"))
        {
            await _device.UntilAsync(device => device.GetProperty("running").GetString() == "1.0.0", old);
            await _device.DeployAsync("1.1.0");
            await _device.UntilAsync(_ => File.Exists(_folder["restart"]), old);
        }

        Assert.Equal(new string('x', 3_000_000), await File.ReadAllTextAsync(_folder["installed"]));
        Assert.Equal("downloaded", (await _device.ShownAsync()).GetProperty("state").GetString());

        using var fresh = Start("1.1.0", "-c 2");
        var device = await _device.UntilAsync("confirmed", fresh);

        Assert.Equal(("1.1.0", -61), (device.GetProperty("running").GetString(), device.GetProperty("rssi").GetInt32()));
    }

    [Fact]
    public async Task What_another_signed_it_refuses_and_says_so()
    {
        using var stranger = new ASwuFile(_folder["stranger"]);
        await _device.UploadAsync(stranger.Build("1.2.0", _folder["installed"], "evil"), "1.2.0");
        using var client = Start("1.0.0");
        await _device.DeployAsync("1.2.0");

        var device = await _device.UntilAsync("failed", client);

        Assert.False(File.Exists(_folder["installed"]));
        Assert.Contains("No suitable .swu image", device.GetProperty("deployments")[0].GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("Authentication of all signatures failed", client.Log, StringComparison.Ordinal);
    }

    // What "restarts" is the test: the command after an update never returns, as a restart does not. The token stands in the file, as it may begin with a
    // dash, which on the command line begins an option.
    private ClientRun Start(string version, string more = "")
    {
        File.WriteAllText(_folder["swupdate.cfg"], $$"""
            globals : { public-key-file = "{{_folder["certificate.pem"]}}"; postupdatecmd = "touch {{_folder["restart"]}}; sleep 600"; };
            suricatta : { tenant = "gateway"; url = "{{_device.Server.Address}}hawkbit"; id = "{{Mac}}"; targettoken = "{{_device.Token}}"; };
            identify : ( { name = "version"; value = "{{version}}"; }, { name = "rssi"; value = "-61"; } );
            """);
        return new ClientRun(
            _folder.Path, "/usr/bin/swupdate", "-f", _folder["swupdate.cfg"], "-H", "board:1.0", "-l", "4", "-u", more);
    }
}
