using System.Xml.Linq;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>What the factory gets: a file for the unit and a label for its back.</summary>
public sealed class UnitTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        (await _ota.RunAsync("keys", "new", "--out", "acme.pem")).Succeeded();
        (await _ota.RunAsync("keys", "new", "--out", "other.pem")).Succeeded();
        (await _ota.RunAsync("product", "add", "kettle", "--hardware", "esp32", "--release-key", "acme.pub.pem")).Succeeded();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_made_unit_has_a_file_with_all_that_the_firmware_reads_and_a_label_that_says_the_same()
    {
        (await NewAsync()).Succeeded();

        var unit = File.ReadAllLines(_folder["unit/unit.txt"]).Select(line => line.Split(" = ", 2)).ToDictionary(line => line[0], line => line[1]);
        Assert.Equal(
            ["enrollment-key", "hardware", "key-counter", "product", "release-key", "rescue-password", "rescue-ssid", "server"], unit.Keys.Order());
        Assert.Equal(("http://192.0.2.7:8080", "esp32", "kettle-rescue-aa3f10"), (unit["server"], unit["hardware"], unit["rescue-ssid"]));
        var product = (await _ota.RunAsync("product", "show", "kettle", "--json")).Succeeded().Json;
        Assert.Equal(product.GetProperty("enrollmentKey").GetString(), unit["enrollment-key"]);
        var key = (await _ota.RunAsync("keys", "show", "acme.pub.pem", "--json")).Succeeded().Json;
        Assert.Equal(key.GetProperty("modulus").GetString(), unit["release-key"]);
        var label = XDocument.Load(_folder["unit/label.svg"]).ToString();
        Assert.Contains(unit["rescue-ssid"], label, StringComparison.Ordinal);
        Assert.Contains(unit["rescue-password"], label, StringComparison.Ordinal);
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], File.ReadAllBytes(_folder["unit/label.png"])[..4]);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["unit/unit.txt"]));
    }

    [Theory]
    [InlineData("none that kettle trusts", "--release-key", "other.pub.pem")]
    [InlineData("--ca", "--server-url", "https://ota.example.org")]
    [InlineData("--server-url", "--server-url", "ota.example.org")]
    [InlineData("not on virtual", "--hardware", "virtual")]
    [InlineData("no PEM certificate", "--ca", "acme.pub.pem")]
    public async Task A_unit_that_could_never_work_is_not_made(string said, params string[] instead)
    {
        var result = await NewAsync(instead);

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder["unit"]));
    }

    private Task<CommandResult> NewAsync(params string[] instead)
    {
        var options = new Dictionary<string, string>
        {
            ["--out"] = "unit", ["--server-url"] = "http://192.0.2.7:8080", ["--release-key"] = "acme.pub.pem",
        };
        for (var i = 0; i < instead.Length; i += 2)
            options[instead[i]] = instead[i + 1];
        return _ota.RunAsync(["unit", "new", "kettle", "246f28aa3f10", .. options.SelectMany(option => new[] { option.Key, option.Value })]);
    }
}
