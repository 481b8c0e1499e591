using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>A unit on a cable: the command line over a real terminal to a virtual device, which runs the real agent.</summary>
public sealed partial class SerialTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;
    private Process? _unit;
    private string _port = "";
    private string _hardwareId = "";

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        (await _ota.RunAsync("keys", "new", "--out", "acme.pem")).Succeeded();
        (await _ota.RunAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem")).Succeeded();
        _unit = _ota.Start("simulate", "kettle", "--serial");
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        var line = await _unit.StandardOutput.ReadLineAsync(patience.Token);
        var said = SaidPort().Match(line ?? "");
        Assert.True(said.Success, line);
        (_hardwareId, _port) = (said.Groups[1].Value, said.Groups[2].Value);

        // What it goes on to say is read, or it would stop to wait.
        _ = _unit.StandardOutput.ReadToEndAsync(CancellationToken.None);
        await UntilAsync("Server", "answered 204");
    }

    public async ValueTask DisposeAsync()
    {
        if (_unit is not null)
        {
            _unit.Kill();
            await _unit.WaitForExitAsync();
            _unit.Dispose();
        }

        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Status_and_logs_tell_how_a_unit_stands()
    {
        var status = (await SerialAsync("status", "--json")).Succeeded().Json;
        Assert.Equal(
            (_hardwareId, "kettle", "joined", "204"),
            (status.GetProperty("hardwareId").GetString(), status.GetProperty("product").GetString(),
                status.GetProperty("wifi").GetString(), status.GetProperty("server").GetString()));

        var logs = (await SerialAsync("logs")).Succeeded().Out;
        Assert.Contains("started (power-or-unknown), runs 0.0.0", logs, StringComparison.Ordinal);
        Assert.Contains("check-in answered 204", logs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Clearing_by_cable_takes_the_password_on_the_label()
    {
        var refused = await TypedAsync("not the password", "clear-credentials", "--password-stdin");
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("not the password on its label", refused.Error, StringComparison.Ordinal);
        Assert.Equal("1", await NetworksAsync());

        await Task.Delay(TimeSpan.FromSeconds(1.5));
        (await TypedAsync(await LabelAsync(), "clear-credentials", "--password-stdin")).Succeeded();

        var logs = (await SerialAsync("logs")).Succeeded().Out;
        Assert.Contains("started (user)", logs, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bundle_is_handed_over_by_cable_once()
    {
        (await _ota.RunAsync("correct horse battery\n", ["site", "add", "broome", "--ssid", "Küche 5G", "--password-stdin"])).Succeeded();
        var made = (await _ota.RunAsync("provision", _hardwareId, "--site", "broome", "--out", "unit.bundle")).Succeeded();
        Assert.Contains("joins Küche 5G", made.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("correct horse", File.ReadAllText(_folder["unit.bundle"]), StringComparison.Ordinal);

        (await SerialAsync("provision", "--bundle", "unit.bundle")).Succeeded();
        var again = await SerialAsync("provision", "--bundle", "unit.bundle");

        Assert.Equal(1, again.ExitCode);
        Assert.Contains("Make another with 'ota provision'", again.Error, StringComparison.Ordinal);
        Assert.Equal("2", await NetworksAsync());
        Assert.Contains("provisioned with Küche 5G", (await SerialAsync("logs")).Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_network_takes_the_password_on_the_label()
    {
        var refused = await TypedAsync("wifi-password", "provision", "--ssid", "new home", "--password-stdin");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("second line", refused.Error, StringComparison.Ordinal);

        (await TypedAsync("wifi-password\n" + await LabelAsync(), "provision", "--ssid", "new home", "--password-stdin", "--owner", "anna")).Succeeded();
        Assert.Equal("2", await NetworksAsync());
    }

    [Theory]
    [InlineData("There is no serial port", "/dev/no-such-port")]
    [InlineData("is no serial port", "/dev/null")]
    public async Task What_is_no_port_is_said(string sentence, string port)
    {
        var failed = await _ota.RunAsync("serial", port, "status");

        Assert.Equal(2, failed.ExitCode);
        Assert.Contains(sentence, failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_unit_that_says_nothing_is_given_up_on()
    {
        _unit!.Kill();
        await _unit.WaitForExitAsync();

        var failed = await SerialAsync("status", "--wait", "1");
        Assert.NotEqual(0, failed.ExitCode);
        Assert.Contains(_port, failed.Error, StringComparison.Ordinal);
    }

    private Task<CommandResult> SerialAsync(params string[] words) => _ota.RunAsync(["serial", _port, .. words]);

    private Task<CommandResult> TypedAsync(string stdin, params string[] words) => _ota.RunAsync(stdin + "\n", ["serial", _port, .. words]);

    private async Task<string?> NetworksAsync() => (await SerialAsync("status", "--json")).Succeeded().Json.GetProperty("networks").GetString();

    private async Task<string> LabelAsync() =>
        (await _ota.RunAsync("unit", "label", _hardwareId, "--json")).Succeeded().Json.GetProperty("password").GetString()!;

    private async Task UntilAsync(string name, string value)
    {
        var waited = Stopwatch.StartNew();
        while (true)
        {
            var status = (await SerialAsync("status")).Succeeded().Out;
            if (status.Contains($"{name} ", StringComparison.Ordinal) && status.Contains(value, StringComparison.Ordinal))
                return;
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(1), status);
        }
    }

    [GeneratedRegex("serial port of (.+) is (/dev/.+)\\.")]
    private static partial Regex SaidPort();
}
