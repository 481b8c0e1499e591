using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Ota.EndToEnd.Tests.Dialects;

/// <summary>
/// Debian's mender-client, unmodified, as a daemon against the server as a process. Some of its folders cannot be set, so it runs in a mount namespace
/// where they are the test's. Skipped where it is missing or namespaces are refused, except in CI.
/// </summary>
public sealed class MenderClientTests : IAsyncLifetime
{
    private const string Mac = "24:6f:28:aa:3f:40";
    private readonly TemporaryFolder _folder = new();
    private AFieldDevice _device = null!;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/mender"), "Mender's client is missing: apt-get install mender-client.");
        Assert.SkipUnless(File.Exists("/usr/bin/mender-artifact"), "Mender's tool is missing: apt-get install mender-artifact.");
        Assert.SkipUnless(Run("unshare", "--map-root-user", "--mount", "true") == 0, "A mount namespace is refused here.");
        _device = await AFieldDevice.AdoptAsync(_folder["data"], "kettle", Mac, "mender");
        foreach (var folder in new[] { "identity", "inventory", "modules", "etc", "state" })
            Directory.CreateDirectory(_folder[folder]);
        await ScriptAsync("identity/mender-device-identity", "echo mac=" + Mac);
        await ScriptAsync("inventory/mender-inventory-test", "echo rssi=-58");
        // What "restarts" is the test: a restart never returns.
        await ScriptAsync("modules/ota-test", $"""
            case "$1" in
                NeedsArtifactReboot) if [ -e {_folder["restarts"]} ]; then echo Yes; else echo No; fi ;;
                SupportsRollback) echo Yes ;;
                ArtifactInstall) cat "$2"/files/payload >> {_folder["installed"]} ;;
                ArtifactReboot) touch {_folder["restart"]}; sleep 600 ;;
            esac
            """);
        await File.WriteAllTextAsync(_folder["etc/artifact_info"], "artifact_name=1.0.0\n");
        await File.WriteAllTextAsync(_folder["device_type"], "device_type=board\n");
        await KeyAsync("developer");
        await File.WriteAllTextAsync(_folder["mender.conf"], JsonSerializer.Serialize(new
        {
            ServerURL = _device.Server.Address,
            TenantToken = $"{_device.Id}.{_device.Token}",
            ArtifactVerifyKey = _folder["developer.pub.pem"],
            DeviceTypeFile = _folder["device_type"],
            UpdatePollIntervalSeconds = 1,
            InventoryPollIntervalSeconds = 1,
            RetryPollIntervalSeconds = 1,
            DBus = new { Enabled = false },
        }));
    }

    public async ValueTask DisposeAsync()
    {
        if (_device is not null)
            await _device.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_takes_an_update_and_is_confirmed_once_it_has_restarted_into_it()
    {
        var payload = Convert.ToBase64String(RandomNumberGenerator.GetBytes(1_500_000));
        await _device.UploadAsync(await ArtifactAsync("1.1.0", payload), "1.1.0");
        await File.WriteAllTextAsync(_folder["restarts"], "");
        using (var old = Start())
        {
            var before = await _device.UntilAsync(device => device.GetProperty("running").GetString() == "1.0.0", old);
            Assert.True(before.GetProperty("resumes").GetBoolean());
            await _device.DeployAsync("1.1.0");
            await _device.UntilAsync(_ => File.Exists(_folder["restart"]), old);
        }

        Assert.Equal(payload, await File.ReadAllTextAsync(_folder["installed"]));
        var shown = await _device.ShownAsync();
        Assert.Equal("downloaded", shown.GetProperty("state").GetString());
        Assert.Equal("rebooting", shown.GetProperty("deployments")[0].GetProperty("detail").GetString());

        using var fresh = Start();
        var device = await _device.UntilAsync("confirmed", fresh);

        Assert.Equal(("1.1.0", -58), (device.GetProperty("running").GetString(), device.GetProperty("rssi").GetInt32()));
        Assert.DoesNotContain(_device.Token, _device.Server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_another_signed_it_refuses_and_its_log_says_why()
    {
        await KeyAsync("stranger");
        await _device.UploadAsync(await ArtifactAsync("1.2.0", "evil", "stranger"), "1.2.0");
        using var client = Start();
        await _device.DeployAsync("1.2.0");

        await _device.UntilAsync("failed", client);
        await _device.UntilAsync(device => Timeline(device).Any(text => text.Contains("invalid signature", StringComparison.Ordinal)), client);

        Assert.False(File.Exists(_folder["installed"]));
        await _device.UntilAsync(device => device.GetProperty("running").GetString() == "1.0.0", client);
    }

    [Fact]
    public async Task A_recovery_runs_once_and_it_returns_to_what_it_ran()
    {
        await _device.UploadAsync(await ArtifactAsync("1.0.0", "back "), "1.0.0");
        await _device.UploadAsync(await ArtifactAsync("9.0.0", "cleared "), "9.0.0", "recovery");
        using var client = Start();
        await _device.UntilAsync(device => device.GetProperty("running").GetString() == "1.0.0", client);
        await _device.RecoverAsync("new router, ticket 4711");

        var device = await _device.UntilAsync("completed", client);

        Assert.Equal("1.0.0", device.GetProperty("running").GetString());
        Assert.Equal("cleared back ", await File.ReadAllTextAsync(_folder["installed"]));
    }

    private ClientRun Start() => new(
        _folder.Path, "unshare", "--map-root-user", "--mount", "sh", "-ec", """
            mount --bind identity /usr/share/mender/identity
            mount --bind inventory /usr/share/mender/inventory
            mount --bind modules /usr/share/mender/modules/v3
            mount --bind etc /etc/mender
            exec mender --config mender.conf --fallback-config none --data "$PWD/state" --no-syslog daemon
            """);

    private static IEnumerable<string> Timeline(JsonElement device) =>
        device.GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("text").GetString()!);

    private async Task<byte[]> ArtifactAsync(string version, string payload, string signer = "developer")
    {
        await File.WriteAllTextAsync(_folder["payload"], payload);
        Assert.Equal(0, Run(
            "mender-artifact",
            "write", "module-image", "-T", "ota-test", "-n", version, "-t", "board", "-f", "payload", "-k", signer + ".pem", "-o", "artifact"));
        return await File.ReadAllBytesAsync(_folder["artifact"]);
    }

    private async Task KeyAsync(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        await File.WriteAllTextAsync(_folder[name + ".pem"], key.ExportECPrivateKeyPem());
        await File.WriteAllTextAsync(_folder[name + ".pub.pem"], key.ExportSubjectPublicKeyInfoPem());
    }

    private async Task ScriptAsync(string path, string commands)
    {
        await File.WriteAllTextAsync(_folder[path], $"#!/bin/sh\nset -e\n{commands}\n", Encoding.ASCII);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_folder[path], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder.Path, RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
