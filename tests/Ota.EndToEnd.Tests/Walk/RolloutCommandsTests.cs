using System.Text.Json;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>Staged rollouts from the command line, against a real server and virtual devices.</summary>
public sealed class RolloutCommandsTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem");
        foreach (var version in (string[])["1.0.0", "1.1.0"])
            await PushAsync(version);
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");
        await SimulateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_rollout_goes_out_wave_by_wave_and_comes_back_with_its_reason()
    {
        string[] plan = ["kettle", "1.1.0", "--waves", "2,rest", "--by-hand", "--where", "rssi > -100"];
        var preview = await DoneAsync(["rollout", "plan", .. plan]);
        Assert.Contains("would go to 6 devices, from now on.", preview.Out, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^1 +2 +2$", preview.Out);
        Assert.Matches(@"(?m)^2 +rest +4$", preview.Out);
        Assert.DoesNotContain("1.1.0", (await DoneAsync("rollout", "list")).Out, StringComparison.Ordinal);

        var id = (await DoneAsync(["rollout", "start", .. plan, "--json"])).Json.GetProperty("id").GetString()!;
        Assert.Equal(2, await RunsAsync("1.1.0"));
        var status = (await DoneAsync("rollout", "status", id)).Out;
        Assert.Contains("kettle 1.1.0 for rssi > -100 is active, wave 1 of 2.", status, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^1 +2 +2 +100% +2 confirmed", status);
        Assert.Contains($"wave 2, with 'ota rollout advance {id}'", status, StringComparison.Ordinal);

        await SaysAsync("Paused.", "rollout", "pause", id, "--reason", "lunch");
        await SaysAsync("lunch", "rollout", "status", id);
        await RefusedAsync("resume it first", "rollout", "advance", id);
        await SaysAsync("Resumed.", "rollout", "resume", id);
        await SaysAsync("Wave 2 of 2 is open.", "rollout", "advance", id);
        Assert.Equal(6, await RunsAsync("1.1.0"));

        await SaysAsync("brought back", "rollout", "return", id, "--reason", "the relay clicks");
        Assert.Equal(6, await RunsAsync("1.0.0"));
        await SaysAsync("6 returned", "rollout", "status", id);
        var device = (await DoneAsync("device", "list", "--json")).Json[0].GetProperty("id").GetString()!;
        await SaysAsync("the relay clicks", "device", "show", device);
        await RefusedAsync("", "rollout", "pause", id);
    }

    [Fact]
    public async Task A_fault_in_a_filter_or_a_rule_comes_back_with_a_caret_under_its_place()
    {
        (string, string, string)[] faults =
            [("--where", "group = kitchens and rssi > weak", "weak"), ("--stop", "failed+burnt > 2%", "burnt")];
        foreach (var (option, text, wrong) in faults)
        {
            var result = await _ota.RunAsync("rollout", "plan", "kettle", "1.1.0", option, text);

            Assert.Equal(1, result.ExitCode);
            var lines = result.Error.TrimEnd().Split('\n');
            Assert.Equal(text, lines[^2].Trim());
            Assert.Equal(lines[^2].IndexOf(wrong, StringComparison.Ordinal), lines[^1].IndexOf('^', StringComparison.Ordinal));
            Assert.Equal(wrong.Length, lines[^1].Count(c => c == '^'));
        }
    }

    [Fact]
    public async Task A_step_is_taken_first_and_a_followed_channel_rolls_itself_out()
    {
        await SaysAsync("is a step", "release", "step", "kettle", "1.1.0");
        await SaysAsync(
            "Each new release on stable starts a rollout of kettle", "product", "follow", "kettle", "--channel", "stable", "--never-stop");
        await SaysAsync("channel stable", "product", "show", "kettle");

        await PushAsync("1.2.0");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!(await DoneAsync("rollout", "list")).Out.Contains("kettle 1.2.0", StringComparison.Ordinal))
            await Task.Delay(50, patience.Token);
        Assert.Equal(6, await RunsAsync("1.2.0"));

        var device = (await DoneAsync("device", "list", "--json")).Json[0].GetProperty("id").GetString()!;
        await SaysAsync("Runs 1.1.0", "device", "show", device);
        await SaysAsync("follows no channel", "product", "follow", "kettle", "--off");
        await SaysAsync("may be skipped", "release", "step", "kettle", "1.1.0", "--off");
        await PushAsync("1.3.0");
        Assert.Equal(6, await RunsAsync("1.2.0"));
    }

    [Fact]
    public async Task A_device_is_given_a_time_zone_and_loses_it_again()
    {
        var device = (await DoneAsync("device", "list", "--json")).Json[0].GetProperty("id").GetString()!;

        await SaysAsync($"{device} is in Australia/Perth.", "device", "zone", device, "Australia/Perth");
        await SaysAsync("Australia/Perth", "device", "show", device);
        await SaysAsync("keeps its product's time zone", "device", "zone", device, "--none");
    }

    [Fact]
    public async Task A_start_in_the_past_is_refused_and_one_ahead_is_scheduled()
    {
        await RefusedAsync("past", "rollout", "start", "kettle", "1.1.0", "--at", "2020-01-01T02:00");
        var at = DateTime.UtcNow.AddDays(2).ToString("yyyy-MM-dd'T'HH:mm", System.Globalization.CultureInfo.InvariantCulture);

        await SaysAsync(
            "Scheduled kettle 1.1.0", "rollout", "start", "kettle", "1.1.0", "--at", at, "--window", "00:00-23:59", "--rate", "100/min",
            "--deadline", "14d");

        Assert.Equal(6, await RunsAsync("1.0.0"));
        var started = (await DoneAsync("rollout", "list", "--json")).Json[0];
        Assert.Equal("scheduled", started.GetProperty("state").GetString());
        Assert.Equal(1209600, started.GetProperty("deadline").GetInt64());
        await SaysAsync("starts in ", "rollout", "status", started.GetProperty("id").GetString()!);
    }

    /// <summary>Lets every device ask, twice as a step needs it; how many then run this version.</summary>
    private async Task<int> RunsAsync(string version)
    {
        await SimulateAsync();
        return (await SimulateAsync()).Count(device => device.GetProperty("running").GetString() == version);
    }

    private async Task<JsonElement[]> SimulateAsync() =>
        [.. (await DoneAsync("simulate", "kettle", "--count", "6", "--once", "--json")).Json.EnumerateArray()];

    private async Task PushAsync(string version)
    {
        File.WriteAllText(_folder[version + ".bin"], "build " + version);
        await DoneAsync("release", "push", "kettle", version, version + ".bin", "--key", "acme.pem", "--hardware", "virtual");
    }

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();

    private async Task SaysAsync(string sentence, params string[] arguments) =>
        Assert.Contains(sentence, (await DoneAsync(arguments)).Out, StringComparison.Ordinal);

    private async Task RefusedAsync(string reason, params string[] arguments)
    {
        var result = await _ota.RunAsync(arguments);
        Assert.True(result.ExitCode == 1, $"exit code {result.ExitCode}: {result.Out}{result.Error}");
        Assert.Contains(reason, result.Error, StringComparison.OrdinalIgnoreCase);
    }
}
