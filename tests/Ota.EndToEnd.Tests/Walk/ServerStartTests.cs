using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>What a person reads who starts the server wrongly: one sentence, never a stack trace.</summary>
public sealed partial class ServerStartTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("urls", "--urls", "localhost")]
    [InlineData("urls", "--urls", "ftp://localhost:8080")]
    [InlineData("urls", "--urls", "http://localhost:99999")]
    [InlineData("certificate", "--urls", "https://127.0.0.1:0")]
    [InlineData("--port", "--port", "8080")]
    [InlineData("--data", "--data")]
    [InlineData("--data", "--data", "--demo")]
    [InlineData("'start'", "start")]
    [InlineData("OrderLifeHours", "--OrderLifeHours", "soon")]
    [InlineData("AzureBlobs", "--AzureBlobs", "kettles")]
    [InlineData("ImageLinks", "--ImageLinks", "redirect")]
    [InlineData("AzureBlobs: the container http://127.0.0.1:1/a/ota-images cannot be used", "--AzureBlobs",
        "AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:1/a;")]
    public async Task A_start_that_cannot_be_is_refused_with_one_sentence(string says, params string[] options)
    {
        string[] elsewhere = options[0] == "--data" ? [] : ["--data", _folder["data"]];
        await RefusedAsync(says, [.. options, .. elsewhere]);
    }

    [Fact]
    public async Task A_port_that_is_taken_is_named()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://127.0.0.1:{((IPEndPoint)other.LocalEndpoint).Port}";

        await RefusedAsync(url, "--urls", url, "--data", _folder["data"]);
    }

    [Fact]
    public async Task A_damaged_database_is_named()
    {
        await using (await OtaServer.NewAsync(_folder["data"]))
        {
        }

        foreach (var file in Directory.GetFiles(_folder["data"], "ota.db-*"))
            File.Delete(file);
        var database = Path.Combine(_folder["data"], "ota.db");
        File.WriteAllBytes(database, [.. Enumerable.Repeat((byte)'x', 8192)]);

        await RefusedAsync(database + " is damaged", "--urls", "http://127.0.0.1:0", "--data", _folder["data"]);
    }

    [Fact]
    public async Task A_second_server_on_one_data_folder_is_refused_until_the_first_was_killed()
    {
        await using var first = await OtaServer.NewAsync(_folder["data"]);

        await RefusedAsync("Another server", "--urls", "http://127.0.0.1:0", "--data", _folder["data"]);

        Assert.Equal(HttpStatusCode.OK, (await first.Staff.GetAsync("api/v1/whoami", TestContext.Current.CancellationToken)).StatusCode);
        await first.KillAsync();
        await first.StartAsync();
    }

    [Fact]
    public async Task The_demo_says_how_to_log_in_at_its_own_address()
    {
        await using var server = await OtaServer.NewAsync(_folder["data"], null, null, "--releases", _folder["releases"], "--demo");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(2));
        string? login;
        while ((login = Quoted().Match(server.Log) is { Success: true } found ? found.Groups[1].Value : null) is null)
            await Task.Delay(50, patience.Token);

        var said = (await Shell.RunAsync(_folder, login, new Dictionary<string, string>())).Succeeded().Out;

        Assert.Contains($"at {server.Address}", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_lists_the_options_and_a_new_admin_key_ends_with_it()
    {
        var help = await RunAsync("--help");
        var renewed = await RunAsync("--data", _folder["data"], "--new-admin-key");

        Assert.Equal(0, help.ExitCode);
        Assert.Equal("", help.Error);
        foreach (var option in (string[])["--urls", "--data", "--releases", "--MaximumImageSizeMiB", "--OrderLifeHours", "--demo", "--new-admin-key"])
            Assert.Contains(option + " ", help.Out, StringComparison.Ordinal);
        Assert.Equal(0, renewed.ExitCode);
        Assert.Contains(Path.Combine(_folder["data"], "admin.key"), renewed.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("Now listening", renewed.Out, StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string says, params string[] options)
    {
        var result = await RunAsync(options);
        Assert.True(result.ExitCode == 2, $"exit code {result.ExitCode}: {result.Out}{result.Error}");
        Assert.StartsWith("ota-server: ", result.Error, StringComparison.Ordinal);
        Assert.Single(result.Error.TrimEnd().Split('\n'));
        Assert.Contains(says, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("crit:", result.Out, StringComparison.Ordinal);
        Assert.DoesNotContain("fail:", result.Out, StringComparison.Ordinal);
    }

    private async Task<CommandResult> RunAsync(params string[] options)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [Built.Server, .. options])
        {
            WorkingDirectory = _folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        return await OtaCommand.ResultAsync(process);
    }

    [GeneratedRegex("'(ota login [^']+)'")]
    private static partial Regex Quoted();
}
