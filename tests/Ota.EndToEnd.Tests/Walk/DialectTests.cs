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
    public async Task Curl_goes_on_with_half_a_download_and_across_a_restart_where_it_names_the_image_and_asks_whether_it_changed()
    {
        var adopted = (await DoneAsync("device", "adopt", "lamp", "30-AE-A4-07-0D-64", "--dialect", "esp-idf", "--json")).Json;
        var address = new Uri(_server.Address, adopted.GetProperty("path").GetString());
        var device = adopted.GetProperty("device").GetString()!;
        await DoneAsync("deploy", "lamp", "1.1.0", "--device", device);
        // What is there is of an older build, which was never fetched from here.
        await File.WriteAllBytesAsync(_folder["old.bin"], RandomNumberGenerator.GetBytes(1_000_000));
        for (var again = 0; again < 2; again++)
            Assert.Equal("416", await CurlAsync(address, "-C", "-", "-o", "old.bin"));
        Assert.Equal("206", await CurlAsync(address, "-r", "0-999999", "-o", "got.bin"));
        Assert.Equal("206", await CurlAsync(address, "-C", "-", "-o", "got.bin"));
        Assert.Equal(await File.ReadAllBytesAsync(_folder["app.bin"]), await File.ReadAllBytesAsync(_folder["got.bin"]));

        const string old = "x-ota-version: 1.0.0";
        Assert.Equal("206", await CurlAsync(address, "-H", old, "-r", "0-999999", "-o", "part.bin"));
        await _server.KillAsync();
        await _server.StartAsync();
        Assert.Equal("416", await CurlAsync(address, "-H", old, "-C", "-", "-o", "part.bin"));
        var tag = $"If-Range: \"{Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(_folder["app.bin"])))}\"";
        Assert.Equal("206", await CurlAsync(address, "-H", old, "-C", "-", "-H", tag, "-o", "part.bin"));
        Assert.Equal(await File.ReadAllBytesAsync(_folder["app.bin"]), await File.ReadAllBytesAsync(_folder["part.bin"]));

        var image = new Uri(_server.Address, $"{adopted.GetProperty("path").GetString()}/images/{Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(_folder["app.bin"])))}");
        Assert.Equal("200", await CurlAsync(image, "--etag-save", "etag", "-o", "got.bin"));
        Assert.Equal("304", await CurlAsync(image, "--etag-compare", "etag", "-o", "again.bin"));

        Assert.Equal("304", await CurlAsync(address, "-H", "x-ota-version: 1.1.0", "-o", "none.bin"));
        var shown = await DoneAsync("device", "show", device);
        Assert.Contains("confirmed", shown.Out, StringComparison.Ordinal);
        Assert.Contains("esp-idf, checks none, goes on with a download that was cut", shown.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_signed_for_the_esp8266_arrives_as_its_updater_verifies_it()
    {
        await DoneAsync("product", "add", "plug", "--hardware", "esp8266", "--release-key", "acme.pub.pem");
        var image = AnEsp8266Image.Bytes();
        await File.WriteAllBytesAsync(_folder["plug.bin"], image);
        await RunAsync("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", "device.pem");
        await RunAsync("openssl", "pkey", "-in", "device.pem", "-pubout", "-out", "device.pub.pem");
        await DoneAsync(
            "release", "push", "plug", "2.0.0", "plug.bin", "--key", "acme.pem", "--hardware", "esp8266", "--format", "esp8266-signed", "--device-key", "device.pem");
        var adopted = (await DoneAsync(
            "device", "adopt", "plug", "24:6F:28:AA:3F:10", "--dialect", "esp8266", "--protection", "signed", "--json")).Json;
        await DoneAsync("product", "dialects", "plug", "--least", "signed");
        await DoneAsync("deploy", "plug", "2.0.0", "--all");

        var address = new Uri(_server.Address, adopted.GetProperty("path").GetString());
        Assert.Equal("200", await CurlAsync(address, "--http1.0", "-H", "x-ESP8266-version: 1.0.0", "-o", "got.bin"));
        var got = await File.ReadAllBytesAsync(_folder["got.bin"]);
        Assert.Equal([0, 1, 0, 0], got[^4..]);
        await File.WriteAllBytesAsync(_folder["payload"], got[..^260]);
        await File.WriteAllBytesAsync(_folder["signature"], got[^260..^4]);
        Assert.Equal(image, got[..^260]);
        await RunAsync("openssl", "dgst", "-sha256", "-verify", "device.pub.pem", "-signature", "signature", "payload");

        Assert.Equal("304", await CurlAsync(address, "--http1.0", "-H", "x-ESP8266-version: 2.0.0", "-o", "none.bin"));
        Assert.Contains("confirmed", (await DoneAsync("device", "list", "--product", "plug")).Out, StringComparison.Ordinal);
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
    private Task<string> CurlAsync(Uri address, params string[] arguments) =>
        RunAsync("curl", ["-sSL", "--max-time", "60", "-w", "%{http_code}", .. arguments, address.ToString()]);

    private async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = _folder.Path, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        var (said, faults) = (await process.StandardOutput.ReadToEndAsync(), await process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, faults);
        return said;
    }
}
