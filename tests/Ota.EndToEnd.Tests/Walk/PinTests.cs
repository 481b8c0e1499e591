using System.Diagnostics;
using System.Text.Json;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>Virtual pins from the command line to a living virtual device and back, all as processes of their own.</summary>
public sealed class PinTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TemporaryFolder _folder = new();
    private readonly List<Process> _started = [];
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;
    private string _device = "";

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem");
        // Lives on; what it says until its first check-in is over is read here, the rest as it comes.
        var unit = Start("simulate", "kettle", "--json");
        _device = (await LineAsync(unit, line => line.GetProperty("asksIn").ValueKind == JsonValueKind.Number)).GetProperty("device").GetString()!;
        _ = unit.StandardOutput.ReadToEndAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _started)
        {
            process.Kill();
            await process.WaitForExitAsync();
            process.Dispose();
        }

        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Check_now_brings_an_update_to_a_device_that_would_have_asked_at_night_and_the_version_pin_says_so()
    {
        File.WriteAllText(_folder["app.bin"], "app");
        await DoneAsync("release", "push", "kettle", "1.4.0", "app.bin", "--key", "acme.pem", "--hardware", "virtual");
        await DoneAsync("deploy", "kettle", "1.4.0", "--device", _device);
        var watch = Start("pin", "watch", _device, "--json");
        await LineAsync(watch, line => Is(line, "status", "ordered 1.4.0"));

        var asked = Stopwatch.StartNew();
        var set = await DoneAsync("pin", "set", _device, "check-now");
        Assert.StartsWith("Pin check-now is 1.", set.Out, StringComparison.Ordinal);
        await LineAsync(watch, line => Is(line, "status", "checking"));
        // It would ask again in hours; a busy machine gets more than the two seconds.
        Assert.InRange(asked.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(20));

        // Versions and statuses come in the order in which they were written.
        var confirmed = await LineAsync(watch, line => line.GetProperty("system").GetString() == "version");
        Assert.Matches(@"^1\.4\.0 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", confirmed.GetProperty("value").GetString());
        await LineAsync(watch, line => Is(line, "status", "confirmed " + confirmed.GetProperty("value").GetString()));

        // A second time there is nothing new.
        await DoneAsync("pin", "set", _device, "check-now");
        await LineAsync(watch, line => Is(line, "status", "up-to-date"));
        var all = (await DoneAsync("pin", "get", _device)).Out;
        Assert.Contains("restart-cause", all, StringComparison.Ordinal);
        Assert.Contains("1.4.0 2", all, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pins_are_set_and_shown_for_scripts_and_for_people_and_refusals_say_why()
    {
        await DoneAsync("pin", "set", _device, "5", "21.5 °C");
        Assert.Equal("21.5 °C", (await DoneAsync("pin", "get", _device, "V5", "--json")).Json.GetProperty("value").GetString());
        var token = (await DoneAsync("pin", "token", _device, "--json")).Json.GetProperty("token").GetString()!;
        Assert.StartsWith(_device + ".", token, StringComparison.Ordinal);

        foreach (var wrong in (string[][])[["256", "x"], ["status", "x"], ["5", new string('x', 1025)]])
        {
            var refused = await _ota.RunAsync(["pin", "set", _device, .. wrong]);
            Assert.Equal(1, refused.ExitCode);
        }

        var product = await DoneAsync("product", "pins", "kettle", "--status", "12");
        Assert.Contains("check-now 251, status 12, version 253", product.Out, StringComparison.Ordinal);
        Assert.Equal(2, (await _ota.RunAsync("product", "pins", "kettle")).ExitCode);
        Assert.Contains("status 252", (await DoneAsync("product", "pins", "kettle", "--usual")).Out, StringComparison.Ordinal);
    }

    private static bool Is(JsonElement line, string system, string value) =>
        line.GetProperty("system").GetString() == system && line.GetProperty("value").GetString() == value;

    private static async Task<JsonElement> LineAsync(Process process, Predicate<JsonElement> wanted)
    {
        using var patience = new CancellationTokenSource(Patience);
        var seen = new List<string>();
        try
        {
            while (await process.StandardOutput.ReadLineAsync(patience.Token) is { } line)
            {
                seen.Add(line);
                using var json = JsonDocument.Parse(line);
                if (wanted(json.RootElement))
                    return json.RootElement.Clone();
            }
        }
        catch (OperationCanceledException)
        {
            seen.Add("and then nothing more");
        }

        throw new InvalidOperationException("It said:\n" + string.Join('\n', seen));
    }

    private Process Start(params string[] arguments)
    {
        var process = _ota.Start(arguments);
        _started.Add(process);
        return process;
    }

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();
}
