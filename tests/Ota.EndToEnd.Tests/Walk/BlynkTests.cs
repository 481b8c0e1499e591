using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>
/// The Blynk library of npm, unmodified, as a process of its own against a server of its own; tests/run.sh installs it. In CI a test that is skipped
/// fails the run.
/// </summary>
public sealed partial class BlynkTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _started = [];
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;
    private string _device = "";
    private string _token = "";

    private static string Library => Built.File("tests/.tools/blynk/node_modules/blynk-library");

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(Directory.Exists(Library), "The Blynk library is not installed; bash tests/run.sh installs it where it may (npm).");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        var asked = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256) { CertificateExtensions = { names.Build() } };
        using var certificate = asked.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        await File.WriteAllTextAsync(_folder["cert.pem"], certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(_folder["cert-key.pem"], key.ExportPkcs8PrivateKeyPem());
        _server = await OtaServer.NewAsync(
            _folder["data"], database: null, beside: null, "--BlynkPort", "127.0.0.1:0", "--BlynkTlsPort", "127.0.0.1:0",
            "--Certificate", _folder["cert.pem"], "--CertificateKey", _folder["cert-key.pem"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem");
        _device = (await DoneAsync("simulate", "kettle", "--once", "--json")).Json[0].GetProperty("device").GetString()!;
        _token = (await DoneAsync("pin", "token", _device, "--blynk", "--json")).Json.GetProperty("token").GetString()!;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _started)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("tcp", "")]
    [InlineData("ssl", " with TLS")]
    public async Task The_library_logs_in_and_exchanges_pins_with_the_command_line(string transport, string how)
    {
        var client = Start(transport, how, _token);
        await LineAsync(client, "ready");

        await DoneAsync("pin", "set", _device, "2", "by staff");
        await LineAsync(client, "V2 by staff");
        await _server.Staff.GetStringAsync($"external/api/update?token={_token}&pin=V2&value=1&value=2");
        await LineAsync(client, "V2 1|2");

        Assert.Equal("true", await _server.Staff.GetStringAsync($"external/api/isHardwareConnected?token={_token}"));
        Assert.Equal($"[\"from\",\"{transport}\"]", await _server.Staff.GetStringAsync($"{_token}/get/V1"));
        Assert.DoesNotContain(_token, _server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_library_is_told_that_its_token_is_wrong()
    {
        var client = Start("tcp", "", _token[..31] + (_token[31] == 'A' ? 'B' : 'A'));

        await LineAsync(client, "error INVALID_TOKEN");
    }

    [Fact]
    public async Task A_cloud_is_named_and_given_a_token_by_stdin_which_nobody_is_shown()
    {
        Assert.Equal(1, (await _ota.RunAsync("their-token\n", ["device", "blynk-token", _device])).ExitCode);
        var named = await DoneAsync("product", "blynk", "kettle", "--url", "http://127.0.0.1:9/");
        Assert.Contains("kettle tells http://127.0.0.1:9/", named.Out, StringComparison.Ordinal);
        var given = (await _ota.RunAsync("their-token\n", ["device", "blynk-token", _device])).Succeeded();
        var shown = await DoneAsync("device", "blynk-token", _device, "--show", "--json");

        Assert.True(shown.Json.GetProperty("hasToken").GetBoolean());
        Assert.DoesNotContain("their-token", given.Out + given.Error + shown.Out + _server.Log, StringComparison.Ordinal);
        Assert.Contains("none", (await DoneAsync("device", "blynk-token", _device, "--forget")).Out, StringComparison.Ordinal);
        Assert.Contains("tells no cloud", (await DoneAsync("product", "blynk", "kettle", "--none")).Out, StringComparison.Ordinal);
        Assert.Equal(2, (await _ota.RunAsync("product", "blynk", "kettle")).ExitCode);
    }

    private Process Start(string transport, string how, string token)
    {
        var port = Listening().Matches(_server.Log).Single(match => match.Groups["how"].Value == how).Groups["port"].Value;
        var process = Process.Start(new ProcessStartInfo(
            "node", [Built.File("tests/Ota.EndToEnd.Tests/Walk/blynk.js"), Library, transport, port, token, _folder["cert.pem"]])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _started.Add(process);
        return process;
    }

    private static async Task LineAsync(Process process, string wanted)
    {
        using var patience = new CancellationTokenSource(Patience);
        var seen = new List<string>();
        try
        {
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                if (line == wanted)
                    return;
                seen.Add(line);
            }
        }
        catch (OperationCanceledException)
        {
            seen.Add("and then nothing more");
        }

        throw new InvalidOperationException("It said:\n" + string.Join('\n', seen));
    }

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();

    [GeneratedRegex(@"Blynk clients are taken on 127\.0\.0\.1:(?<port>\d+)(?<how>[^.]*)\.")]
    private static partial Regex Listening();
}
