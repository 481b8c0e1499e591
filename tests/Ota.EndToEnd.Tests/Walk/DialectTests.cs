using System.Diagnostics;
using System.Security.Cryptography;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>Another updater than ours from the command line to its update, with curl as the device.</summary>
public sealed class DialectTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "lamp", "--hardware", "lamp-board", "--release-key", "acme.pub.pem");
        await File.WriteAllBytesAsync(_folder["app.bin"], RandomNumberGenerator.GetBytes(3_000_000));
        await DoneAsync("release", "push", "lamp", "1.1.0", "app.bin", "--key", "acme.pem", "--hardware", "lamp-board");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Curl_goes_on_with_half_a_download_across_a_restart_and_asks_whether_it_changed()
    {
        var adopted = (await DoneAsync("device", "adopt", "lamp", "30-AE-A4-07-0D-64", "--dialect", "esp-idf", "--json")).Json;
        var address = new Uri(_server.Address, adopted.GetProperty("path").GetString());
        var device = adopted.GetProperty("device").GetString()!;
        await DoneAsync("deploy", "lamp", "1.1.0", "--device", device);
        Assert.Equal("206", await CurlAsync(address, "-r", "0-999999", "-o", "got.bin"));

        await _server.KillAsync();
        await _server.StartAsync();
        Assert.Equal("206", await CurlAsync(address, "-C", "-", "-o", "got.bin"));
        Assert.Equal(await File.ReadAllBytesAsync(_folder["app.bin"]), await File.ReadAllBytesAsync(_folder["got.bin"]));

        var image = new Uri(_server.Address, $"{adopted.GetProperty("path").GetString()}/images/{Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(_folder["app.bin"])))}");
        Assert.Equal("200", await CurlAsync(image, "--etag-save", "etag", "-o", "got.bin"));
        Assert.Equal("304", await CurlAsync(image, "--etag-compare", "etag", "-o", "again.bin"));

        Assert.Equal("304", await CurlAsync(address, "-H", "x-ota-version: 1.1.0", "-o", "none.bin"));
        var shown = await DoneAsync("device", "show", device);
        Assert.Contains("confirmed", shown.Out, StringComparison.Ordinal);
        Assert.Contains("esp-idf, checks none, goes on with a download that was cut", shown.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_product_takes_in_whoever_has_its_key_and_refuses_what_checks_too_little()
    {
        var rules = (await DoneAsync("product", "dialects", "lamp", "--enroll", "--json")).Json;
        var address = new Uri(_server.Address, $"esp-idf/lamp.{rules.GetProperty("dialectKey").GetString()}?hardware=lamp-board");
        Assert.Equal("401", await CurlAsync(address, "-o", "none.bin"));

        await DoneAsync("product", "dialects", "lamp", "--least", "md5");
        await DoneAsync("deploy", "lamp", "1.1.0", "--all");
        Assert.Equal("401", await CurlAsync(address, "-H", "x-ota-mac: 30:AE:A4:07:0D:66", "-o", "none.bin"));

        await DoneAsync("device", "adopt", "lamp", "30:AE:A4:07:0D:66", "--dialect", "esp-idf");
        Assert.Equal("304", await CurlAsync(address, "-H", "x-ota-mac: 30:AE:A4:07:0D:66", "-o", "none.bin"));
        Assert.Contains("checks too little (none)", (await DoneAsync("device", "show", "30:ae:a4:07:0d:66")).Out, StringComparison.Ordinal);
        var off = await DoneAsync("product", "dialects", "lamp", "--no-enroll", "--least", "any");
        Assert.DoesNotContain("Dialect key", off.Out, StringComparison.Ordinal);
    }

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();

    // The status of the last answer.
    private async Task<string> CurlAsync(Uri address, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(
            "curl", ["-sSL", "--max-time", "60", "-w", "%{http_code}", .. arguments, address.ToString()])
        {
            WorkingDirectory = _folder.Path, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var (status, faults) = (await process.StandardOutput.ReadToEndAsync(), await process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, faults);
        return status;
    }
}
