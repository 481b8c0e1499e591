using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Ota.EndToEnd.Tests.Cli;

/// <summary>What the rollout commands send, and what they make of the answers.</summary>
public sealed class RolloutCommandTests : IDisposable
{
    private const string Rollout =
        """
        {"id":7,"product":"kettle","version":"1.1.0","hardware":null,"where":"group = kitchens","target":"where","state":"active",
         "stateReason":null,"created":"2026-11-01T00:00:00Z","createdBy":"ada","starts":"2026-11-01T00:00:00Z","ended":null,
         "wave":2,"waves":[
           {"number":1,"upTo":"1%","opened":"2026-11-01T00:00:00Z","devices":20,"deployments":{"confirmed":20}},
           {"number":2,"upTo":"10%","opened":"2026-11-01T02:00:00Z","devices":180,"deployments":{"confirmed":99,"reverted":1,"trial":5}},
           {"number":3,"upTo":"100%","opened":null,"devices":1800,"deployments":{}}],
         "window":null,"rate":200,"advance":"confirmed >= 95% and soaked 36500d","stop":"failed+reverted > 2%","onStop":"pause","deadline":86400,
         "deployments":{"confirmed":119,"reverted":1,"trial":5},"silent":4,"held":{"wave-not-open":1800,"weak-signal":3},"devices":2000}
        """;

    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;

    public RolloutCommandTests() => _ota = new OtaCommand(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("1%,10%,x", "a share like 10%, a count of devices like 50, or 'rest'", "--waves")]
    [InlineData("10%,5%", "5% after 10% does not", "--waves")]
    [InlineData("5,50,rest,100", "100 after rest does not", "--waves")]
    [InlineData("5,50%", "all shares or all counts", "--waves")]
    [InlineData("101%", "at most 100%", "--waves")]
    [InlineData("0%", "at least one device", "--waves")]
    [InlineData("2026-13-01T00:00", "like 2026-12-01T02:00", "--at")]
    [InlineData("2026-10-04T02:30", "does not exist in Australia/Adelaide", "--zone", "Australia/Adelaide", "--at")]
    [InlineData("Mars/Base", "no time zone 'Mars/Base'", "--at", "2026-12-01T02:00", "--zone")]
    [InlineData("1-5", "like 01:00-05:00", "--window")]
    [InlineData("05:00-05:00", "same minute", "--window")]
    [InlineData("200/h", "like 200/min", "--rate")]
    [InlineData("0", "like 200/min", "--rate")]
    [InlineData("two weeks", "like 90s, 30m, 2h or 14d", "--deadline")]
    [InlineData("confirmed >= 195%", "0% to 100%", "--advance")]
    [InlineData("soaked 2x", "like 90s, 30m, 2h or 14d", "--advance")]
    [InlineData("confirmed >= 95%", "not both", "--by-hand", "--advance")]
    [InlineData("return", "there is no --stop and no --on-stop", "--never-stop", "--on-stop")]
    public async Task What_no_rollout_can_mean_is_said_before_anything_is_sent(string value, string said, params string[] options)
    {
        string[][] commands =
        [
            ["rollout", "start", "kettle", "1.0.0"], ["rollout", "plan", "kettle", "1.0.0"], ["product", "follow", "kettle", "--channel", "stable"],
        ];
        foreach (var command in commands)
        {
            if (command[0] == "product" && options.Contains("--at"))
                continue;
            var result = await _ota.RunAsync([.. command, .. options, value]);

            Assert.Equal(2, result.ExitCode);
            Assert.Contains(said, result.Error, StringComparison.Ordinal);
            Assert.Single(result.Error.TrimEnd().Split('\n'));
        }
    }

    [Fact]
    public async Task A_time_zone_is_of_a_start_and_a_followed_channel_has_none()
    {
        var alone = await _ota.RunAsync("rollout", "start", "kettle", "1.0.0", "--zone", "Australia/Perth");
        var followed = await _ota.RunAsync("product", "follow", "kettle", "--channel", "stable", "--at", "2026-12-01T02:00");

        Assert.Equal((2, 2), (alone.ExitCode, followed.ExitCode));
        Assert.Contains("--at, which is missing", alone.Error, StringComparison.Ordinal);
        Assert.Contains("'--at'", followed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Left_out_is_the_servers_default_and_by_hand_is_null()
    {
        var bodies = new List<JsonElement>();
        await using var server = await AnsweringAsync(201, Rollout, bodies);

        await _ota.RunAsync("rollout", "start", "kettle", "1.1.0");
        await _ota.RunAsync(
            "rollout", "start", "kettle", "1.1.0", "--where", "group = kitchens and rssi > -75", "--waves", "5, 50,rest", "--at", "2026-12-01T02:00",
            "--zone", "Australia/Adelaide", "--window", "22:00-05:00", "--rate", "200/min", "--by-hand", "--never-stop", "--deadline", "14d");
        await _ota.RunAsync("rollout", "start", "kettle", "1.1.0", "--advance", "soaked 2h", "--stop", "alerts > 3", "--on-stop", "return");

        Assert.Equal(
            "product kettle, version 1.1.0, where null, hardware null, waves null, at null, zone null, window null, rate null, onStop null, deadline null",
            Members(bodies[0]));
        Assert.Equal(
            "product kettle, version 1.1.0, where group = kitchens and rssi > -75, hardware null, waves [5 50 rest], at 2026-12-01T02:00, "
            + "zone Australia/Adelaide, window 22:00-05:00, rate 200, advance null, stop null, onStop null, deadline 1209600",
            Members(bodies[1]));
        Assert.Equal("soaked 2h", bodies[2].GetProperty("advance").GetString());
        Assert.Equal("alerts > 3", bodies[2].GetProperty("stop").GetString());
        Assert.Equal("return", bodies[2].GetProperty("onStop").GetString());
    }

    [Fact]
    public async Task A_fault_in_a_filter_is_shown_with_the_caret_under_its_place()
    {
        await using var server = await AnsweringAsync(
            400,
            """{"type":"urn:ota:problem:invalid","title":"The request is not valid","detail":"where: rssi is a number in dBm like -75.\nrssi > weak\n       ^^^^\u001b[2J"}""",
            []);

        var result = await _ota.RunAsync("rollout", "plan", "kettle", "1.1.0", "--where", "rssi > weak");

        Assert.Equal(1, result.ExitCode);
        var lines = result.Error.TrimEnd().Split('\n');
        Assert.Equal("ota: The request is not valid", lines[0]);
        Assert.Equal(lines[2].IndexOf("weak", StringComparison.Ordinal), lines[3].IndexOf('^', StringComparison.Ordinal));
        Assert.All(lines[1..], line => Assert.StartsWith("     ", line, StringComparison.Ordinal));
        Assert.DoesNotContain('\u001b', result.Error);
    }

    [Fact]
    public async Task Status_shows_each_wave_who_waits_and_when_the_next_may_open()
    {
        await using var server = await AnsweringAsync(200, Rollout, []);

        var status = (await _ota.RunAsync("rollout", "status", "7")).Succeeded().Out;

        Assert.StartsWith("kettle 1.1.0 for group = kitchens is active, wave 2 of 3.\n", status, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^2 +10% +180 +55% +99 confirmed, 1 reverted, 5 trial +\d", status);
        Assert.Matches(@"(?m)^3 +100% +1,800 +- +- +not open$", status);
        Assert.Contains("1,800 wave-not-open, 3 weak-signal", status, StringComparison.Ordinal);
        Assert.Contains("4 past the deadline", status, StringComparison.Ordinal);
        Assert.Contains("when confirmed >= 95% and soaked 36500d", status, StringComparison.Ordinal);
        Assert.Matches(@"Next +wave 3, in \d+ days \(.+\) at the earliest", status);
        Assert.Equal("7", (await _ota.RunAsync("rollout", "status", "7", "--json")).Succeeded().Json.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_rollout_that_stopped_says_why_and_what_can_be_done()
    {
        await using var server = await AnsweringAsync(
            200, Rollout.Replace("\"active\"", "\"stopped\"", StringComparison.Ordinal)
                .Replace("\"stateReason\":null", "\"stateReason\":\"failed+reverted is 4.3%\"", StringComparison.Ordinal), []);

        var status = (await _ota.RunAsync("rollout", "status", "7")).Succeeded().Out;

        Assert.Contains("is stopped, wave 2 of 3.", status, StringComparison.Ordinal);
        Assert.Contains("failed+reverted is 4.3%", status, StringComparison.Ordinal);
        Assert.Contains("'ota rollout resume 7'", status, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Watching_prints_a_line_for_each_change_until_ctrl_c()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("There is no SIGINT to send on Windows.");
        var asked = 0;
        await using var server = await StubServer.StartAsync(context =>
        {
            context.Response.ContentType = "application/json";
            // The same twice, then another wave: two lines.
            return context.Response.WriteAsync(
                Interlocked.Increment(ref asked) < 3 ? Rollout : Rollout.Replace("\"wave\":2", "\"wave\":3", StringComparison.Ordinal));
        });
        _ota["OTA_SERVER"] = server.Address;
        using var watch = _ota.Start("rollout", "status", "7", "--watch", "--json");
        var first = await watch.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        var second = await watch.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);

        using var kill = System.Diagnostics.Process.Start("kill", ["-INT", $"{watch.Id}"]);
        var result = await OtaCommand.ResultAsync(watch);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("", result.Error);
        Assert.Equal([2, 3], new[] { first, second }.Select(line => JsonDocument.Parse(line!).RootElement.GetProperty("wave").GetInt32()));
    }

    [Theory]
    [InlineData("pause", "Paused.")]
    [InlineData("resume", "Resumed.")]
    [InlineData("advance", "Wave 2 of 3 is open.")]
    [InlineData("return", "brought back")]
    [InlineData("abort", "Aborted.")]
    public async Task Steering_calls_what_it_is_named_after(string verb, string said)
    {
        var bodies = new List<JsonElement>();
        await using var server = await AnsweringAsync(200, Rollout, bodies);

        var result = (await _ota.RunAsync("rollout", verb, "7", "--reason", "ticket 12")).Succeeded();

        Assert.Contains(said, result.Out, StringComparison.Ordinal);
        Assert.Matches(@"(?m)^\s*Deployments +119 confirmed, 1 reverted, 5 trial\r?$", result.Out);
        Assert.Equal(("POST", $"/api/v1/rollouts/7/{verb}"), server.Requests.Select(request => (request.Method, request.Path)).Single());
        Assert.Equal("ticket 12", bodies.Single().GetProperty("reason").GetString());
    }

    [Fact]
    public async Task A_deployment_that_brings_a_device_back_is_listed_as_a_return()
    {
        await using var server = await AnsweringAsync(
            200,
            """
            [{"id":9,"device":"one","product":"kettle","version":"1.0.0","action":"install","state":"confirmed","purpose":"return"},
             {"id":8,"device":"one","product":"kettle","version":"1.1.0","action":"install","state":"confirmed","purpose":"target"}]
            """,
            []);

        var listed = (await _ota.RunAsync("deployment", "list")).Succeeded().Out;

        Assert.Matches(@"(?m)^9 .+ return\s*$", listed);
        Assert.Matches(@"(?m)^8 .+ install\s*$", listed);
        Assert.DoesNotContain("does", (await _ota.RunAsync("deployment", "list", "--json")).Succeeded().Out, StringComparison.Ordinal);
    }

    private async Task<StubServer> AnsweringAsync(int status, string body, List<JsonElement> bodies)
    {
        var server = await StubServer.StartAsync(async context =>
        {
            if (context.Request.ContentLength > 0)
                bodies.Add(await JsonSerializer.DeserializeAsync<JsonElement>(context.Request.Body));
            context.Response.StatusCode = status;
            context.Response.ContentType = status < 400 ? "application/json" : "application/problem+json";
            await context.Response.WriteAsync(body);
        });
        _ota["OTA_SERVER"] = server.Address;
        return server;
    }

    // In the order of the options: what a record inherits may stand before or after its own.
    private static string Members(JsonElement body)
    {
        string[] order =
        [
            "product", "version", "where", "hardware", "waves", "at", "zone", "window", "rate", "advance", "stop", "onStop", "deadline",
        ];
        return string.Join(", ", body.EnumerateObject().OrderBy(member => Array.IndexOf(order, member.Name))
            .Select(member => $"{member.Name} {Plain(member.Value)}"));
    }

    private static string Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.Array => $"[{string.Join(' ', value.EnumerateArray())}]",
        _ => value.ToString(),
    };
}
