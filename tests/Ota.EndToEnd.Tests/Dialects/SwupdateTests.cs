using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Ota.Signing;

namespace Ota.EndToEnd.Tests.Dialects;

/// <summary>Debian's SWUpdate, unmodified, in hawkBit mode against the server as a process. Skipped where it is missing, except in CI.</summary>
public sealed class SwupdateTests : IAsyncLifetime
{
    private const string Mac = "24:6f:28:aa:3f:30";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);
    private readonly TemporaryFolder _folder = new();
    private readonly RSA _releaseKey = RSA.Create(3072);
    private OtaServer _server = null!;
    private ASwuFile _developer = null!;
    private string _token = "";

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/swupdate"), "SWUpdate is missing: apt-get install swupdate.");
        Assert.SkipUnless(File.Exists("/usr/bin/openssl"), "openssl is missing: apt-get install openssl.");
        _developer = new ASwuFile(_folder["developer"]);
        _server = await OtaServer.NewAsync(_folder["data"]);
        await PostAsync("api/v1/products", new { name = "gateway", hardware = new[] { "board" }, poll = "every 5s", releaseKeys = new[] { _releaseKey.ExportSubjectPublicKeyInfoPem() } });
        var client = await PostAsync("api/v1/products/gateway/clients", new { hardwareId = Mac, dialect = "hawkbit", protection = "signed" });
        _token = client.GetProperty("token").GetString()!;
        await File.WriteAllTextAsync(_folder["certificate.pem"], _developer.Certificate);
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _releaseKey.Dispose();
        _developer?.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_takes_an_update_and_is_confirmed_once_it_has_restarted_into_it()
    {
        await UploadAsync(_developer.Build("1.1.0", _folder["installed"], new string('x', 3_000_000)), "1.1.0");
        using (var old = Start("1.0.0"))
        {
            await UntilAsync(device => device.GetProperty("running").GetString() == "1.0.0", old);
            await DeployAsync("1.1.0");
            await UntilAsync(_ => File.Exists(_folder["restart"]), old);
        }

        Assert.Equal(new string('x', 3_000_000), await File.ReadAllTextAsync(_folder["installed"]));
        Assert.Equal("downloaded", (await DeviceAsync()).GetProperty("state").GetString());

        using var fresh = Start("1.1.0", "-c 2");
        var device = await UntilAsync(device => device.GetProperty("state").GetString() == "confirmed", fresh);

        Assert.Equal(("1.1.0", -61), (device.GetProperty("running").GetString(), device.GetProperty("rssi").GetInt32()));
    }

    [Fact]
    public async Task What_another_signed_it_refuses_and_says_so()
    {
        using var stranger = new ASwuFile(_folder["stranger"]);
        await UploadAsync(stranger.Build("1.2.0", _folder["installed"], "evil"), "1.2.0");
        using var client = Start("1.0.0");
        await DeployAsync("1.2.0");

        var device = await UntilAsync(device => device.GetProperty("state").GetString() == "failed", client);

        Assert.False(File.Exists(_folder["installed"]));
        Assert.Contains("No suitable .swu image", device.GetProperty("deployments")[0].GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains("Authentication of all signatures failed", client.Log, StringComparison.Ordinal);
    }

    // What "restarts" is the test: the command after an update never returns, as a restart does not.
    private Swupdate Start(string version, string more = "")
    {
        File.WriteAllText(_folder["swupdate.cfg"], $$"""
            globals : { public-key-file = "{{_folder["certificate.pem"]}}"; postupdatecmd = "touch {{_folder["restart"]}}; sleep 600"; };
            identify : ( { name = "version"; value = "{{version}}"; }, { name = "rssi"; value = "-61"; } );
            """);
        return new Swupdate(
            _folder.Path,
            "-f", _folder["swupdate.cfg"], "-H", "board:1.0", "-l", "4",
            "-u", $"-t gateway -u {_server.Address}hawkbit -i {Mac} -k {_token} {more}");
    }

    private async Task UploadAsync(byte[] image, string version)
    {
        using var digests = new ImageDigests(image.Length);
        digests.Append(image);
        var statement = new ReleaseStatement("gateway", version, ReleaseStatement.ApplicationKind, ["board"], 0, 1767225600, digests.Describe("raw"));
        using var form = new MultipartFormDataContent { { new StringContent(statement.Sign(_releaseKey)), "statement" }, { new ByteArrayContent(image), "image", "image.swu" } };
        using var answer = await _server.Staff.PostAsync("api/v1/products/gateway/releases", form);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private async Task DeployAsync(string version) =>
        await PostAsync("api/v1/deployments", new { product = "gateway", version, device = (await DeviceAsync()).GetProperty("id").GetString() });

    private Task<JsonElement> DeviceAsync() => _server.Staff.GetFromJsonAsync<JsonElement>("api/v1/devices/" + Mac);

    private async Task<JsonElement> PostAsync(string path, object body)
    {
        using var answer = await _server.Staff.PostAsJsonAsync(path, body);
        Assert.True(answer.IsSuccessStatusCode, path + ": " + await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }

    private async Task<JsonElement> UntilAsync(Predicate<JsonElement> awaited, Swupdate client)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < Patience;)
        {
            if (await DeviceAsync() is var device && awaited(device))
                return device;
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.Fail($"Not within {Patience}:\n{await DeviceAsync()}\n{client.Log}");
        return default;
    }
}

/// <summary>One run of swupdate; ended, with its children, when disposed.</summary>
internal sealed class Swupdate : IDisposable
{
    private readonly List<string> _log = [];
    private readonly Process _process;

    public Swupdate(string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/swupdate", arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["TMPDIR"] = folder },
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Heard(line.Data);
        _process.ErrorDataReceived += (_, line) => Heard(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Log
    {
        get
        {
            lock (_log)
                return string.Join('\n', _log);
        }
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Heard(string? line)
    {
        if (line is null)
            return;
        lock (_log)
            _log.Add(line);
    }
}
