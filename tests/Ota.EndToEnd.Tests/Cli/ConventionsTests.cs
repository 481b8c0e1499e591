using Microsoft.AspNetCore.Http;

namespace Ota.EndToEnd.Tests.Cli;

/// <summary>What every command promises to a script: exit codes, one JSON document, plain text.</summary>
public sealed class ConventionsTests : IDisposable
{
    private const string Whoami = """{"name":"ada","role":"admin"}""";
    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;

    public ConventionsTests() => _ota = new OtaCommand(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("")]
    [InlineData("product")]
    [InlineData("product ad")]
    [InlineData("product show")]
    [InlineData("deploy thermostat 1.0.0")]
    [InlineData("deploy thermostat 1.0.0 --all --device x")]
    [InlineData("device group x")]
    [InlineData("device group x kitchens --none")]
    [InlineData("device show ..")]
    [InlineData("device zone x")]
    [InlineData("device zone x Australia/Perth --none")]
    [InlineData("device zone x Mars/Base")]
    [InlineData("rollout")]
    [InlineData("rollout start kettle")]
    [InlineData("rollout start kettle one")]
    [InlineData("rollout start kettle 1.0.0 --waves 10%,1%")]
    [InlineData("rollout plan kettle 1.0.0 --on-stop explode")]
    [InlineData("rollout pause")]
    [InlineData("rollout status 7 8")]
    [InlineData("release step kettle")]
    [InlineData("product follow kettle")]
    [InlineData("product follow kettle --channel stable --off")]
    [InlineData("product follow kettle --off --waves 1%,rest")]
    [InlineData("whoami --server ftp://example.com")]
    [InlineData("staff add ada --role king")]
    public async Task Wrong_usage_exits_2_with_one_sentence_and_nothing_on_stdout(string line)
    {
        var arguments = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var result = await _ota.RunAsync(arguments);
        var json = await _ota.RunAsync([.. arguments, "--json"]);

        Assert.Equal(2, result.ExitCode);
        Assert.Equal("", result.Out);
        Assert.StartsWith("ota: ", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.Equal(2, json.ExitCode);
        Assert.Equal("", json.Out);
        Assert.Equal("urn:ota:cli:usage", json.JsonError.GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("whoami")]
    [InlineData("product list")]
    [InlineData("device list")]
    [InlineData("device watch")]
    [InlineData("rollout status 7")]
    [InlineData("rollout status 7 --watch")]
    [InlineData("rollout plan kettle 1.0.0")]
    [InlineData("audit")]
    public async Task A_server_that_cannot_be_reached_exits_3(string line)
    {
        var result = await _ota.RunAsync([.. line.Split(' '), "--json"]);

        Assert.Equal(3, result.ExitCode);
        Assert.Equal("", result.Out);
        Assert.Equal("urn:ota:cli:unreachable", result.JsonError.GetProperty("type").GetString());
        Assert.Contains("http://127.0.0.1:9/", result.JsonError.GetProperty("title").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_exits_1_with_the_servers_own_words()
    {
        await using var server = await StubServer.StartAsync(
            409, "application/problem+json", """{"type":"urn:ota:problem:x","title":"Taken","detail":"Choose another.","status":409}""");
        _ota["OTA_SERVER"] = server.Address;

        var human = await _ota.RunAsync("product", "list");
        var json = await _ota.RunAsync("product", "list", "--json");

        Assert.Equal(1, human.ExitCode);
        Assert.Contains("Taken", human.Error, StringComparison.Ordinal);
        Assert.Contains("Choose another.", human.Error, StringComparison.Ordinal);
        Assert.Equal("", json.Out);
        Assert.Equal("urn:ota:problem:x", json.JsonError.GetProperty("type").GetString());
        Assert.Equal(409, json.JsonError.GetProperty("status").GetInt32());
    }

    [Theory]
    [InlineData("Nothing was done.")]
    [InlineData("Nothing was done. Try again in 7 s.")]
    public async Task A_key_that_calls_too_often_is_told_once_when_to_try_again(string detail)
    {
        await using var server = await StubServer.StartAsync(context =>
        {
            (context.Response.StatusCode, context.Response.ContentType, context.Response.Headers.RetryAfter) = (429, "application/problem+json", "7");
            return context.Response.WriteAsync($$"""{"type":"urn:ota:problem:too-many","title":"Too many calls","detail":"{{detail}}","status":429}""");
        });
        _ota["OTA_SERVER"] = server.Address;

        var result = await _ota.RunAsync("whoami");

        Assert.Equal(1, result.ExitCode);
        Assert.EndsWith("Nothing was done. Try again in 7 s.", result.Error.TrimEnd(), StringComparison.Ordinal);
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(result.Error, "Try again"));
    }

    [Theory]
    [InlineData(502, "text/html", "<html>Bad gateway</html>", "502 Bad Gateway")]
    [InlineData(502, "application/json", "[]", "502 Bad Gateway")]
    [InlineData(401, "text/plain", "", "staff key is not accepted")]
    [InlineData(200, "text/html", "<html>Welcome to our hotel</html>", "not in the words of an Ota server")]
    [InlineData(200, "application/json", "null", "not in the words of an Ota server")]
    public async Task A_proxys_page_is_named_and_not_shown(int status, string type, string body, string expected)
    {
        await using var server = await StubServer.StartAsync(status, type, body);
        _ota["OTA_SERVER"] = server.Address;

        var result = await _ota.RunAsync("whoami");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(expected, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("<html>", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_never_takes_the_staff_key_elsewhere()
    {
        await using var thief = await StubServer.StartAsync(200, "application/json", Whoami);
        await using var server = await StubServer.StartAsync(context =>
        {
            context.Response.Redirect(thief.Address + "/api/v1/whoami");
            return Task.CompletedTask;
        });
        _ota["OTA_SERVER"] = server.Address;

        var result = await _ota.RunAsync("whoami");

        Assert.Equal(1, result.ExitCode);
        Assert.Empty(thief.Requests);
    }

    [Fact]
    public async Task An_endless_answer_is_cut_off()
    {
        await using var server = await StubServer.StartAsync(async context =>
        {
            var page = new string('[', 64 * 1024);
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.WriteAsync(page, context.RequestAborted);
        });
        _ota["OTA_SERVER"] = server.Address;

        var result = await _ota.RunAsync("whoami");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("longer than", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Hostile_text_from_the_server_cannot_reach_the_terminal_or_add_a_line()
    {
        await using var server = await StubServer.StartAsync(
            200, "application/json", """[{"id":"a1","product":"p","hardwareId":"\u001b[2J[red]x[/]\u009b31m\r\nb2 forged\u202e","state":"enrolled"}]""");
        _ota["OTA_SERVER"] = server.Address;

        var human = (await _ota.RunAsync("device", "list")).Succeeded().Out;
        var json = (await _ota.RunAsync("device", "list", "--json")).Succeeded();

        Assert.Equal(2, human.TrimEnd().Split('\n').Length);
        Assert.Contains("[red]x[/]", human, StringComparison.Ordinal);
        Assert.DoesNotContain(human, c => char.IsControl(c) && c != '\n' || c == '\u202e');
        Assert.DoesNotContain(json.Out, c => char.IsControl(c) && c != '\n');
        Assert.Equal("a1", json.Json[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task Long_ids_are_neither_cut_nor_wrapped_when_redirected()
    {
        var id = new string('k', 300);
        await using var server = await StubServer.StartAsync(
            200, "application/json", $$"""[{"id":"{{id}}","product":"{{id}}","group":"{{id}}"}]""");
        _ota["OTA_SERVER"] = server.Address;

        var output = (await _ota.RunAsync("device", "list")).Succeeded().Out;

        Assert.Equal(2, output.TrimEnd().Split('\n').Length);
        Assert.StartsWith(id, output.Split('\n')[1], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', output);
    }

    [Fact]
    public async Task Device_list_reads_every_page_once()
    {
        await using var server = await StubServer.StartAsync(async context =>
        {
            var after = int.Parse(context.Request.Query["after"].FirstOrDefault() ?? "0", System.Globalization.CultureInfo.InvariantCulture);
            var limit = int.Parse(context.Request.Query["limit"]!, System.Globalization.CultureInfo.InvariantCulture);
            var page = Enumerable.Range(after + 1, Math.Max(0, Math.Min(limit, 2500 - after))).Select(i => new { id = $"{i}", product = "p" });
            await context.Response.WriteAsJsonAsync(page);
        });
        _ota["OTA_SERVER"] = server.Address;

        var devices = (await _ota.RunAsync("device", "list", "--product", "p&q", "--json")).Succeeded().Json;

        Assert.Equal(Enumerable.Range(1, 2500).Select(i => $"{i}"), devices.EnumerateArray().Select(d => d.GetProperty("id").GetString()));
        Assert.All(server.Requests, request => Assert.Contains("product=p%26q", request.Path, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Ctrl_c_ends_a_watch_quietly()
    {
        if (OperatingSystem.IsWindows())
            Assert.Skip("There is no SIGINT to send on Windows.");
        await using var server = await StubServer.StartAsync(200, "application/json", """[{"id":"a1","product":"p","state":"enrolled"}]""");
        _ota["OTA_SERVER"] = server.Address;
        using var watch = _ota.Start("device", "watch", "--json");
        var first = await watch.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);

        using var kill = System.Diagnostics.Process.Start("kill", ["-INT", $"{watch.Id}"]);
        var result = await OtaCommand.ResultAsync(watch);

        Assert.Contains("\"a1\"", first, StringComparison.Ordinal);
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("", result.Error);
    }
}
