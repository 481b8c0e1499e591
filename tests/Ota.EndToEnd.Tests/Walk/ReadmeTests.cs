using System.Text.RegularExpressions;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>The README's own commands, copied line by line, by a new user in an empty folder.</summary>
public sealed partial class ReadmeTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await OtaServer.NewAsync(_folder["data"]);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task The_walk_in_the_README_ends_with_a_device_confirmed_on_1_1_0_that_ran_1_0_0()
    {
        var output = await RunAsync(Commands());

        var shown = output[output.LastIndexOf("Timeline", StringComparison.Ordinal)..];
        Assert.Contains("Recovery ordered: new router, ticket 4711", shown, StringComparison.Ordinal);
        Assert.Contains("The recovery is completed", shown, StringComparison.Ordinal);
        var expected = new[]
        {
            "Enrolled as", "Offered 1.0.0", "Runs 1.0.0, on trial", "Runs 1.0.0 ", "Offered 1.1.0", "downloaded", "Runs 1.1.0, on trial",
            "Runs 1.1.0 ", "confirmed",
        };
        Assert.Equal(expected, expected.Where(text => shown.Contains(text, StringComparison.Ordinal)));
        Assert.Equal(3, ConfirmedOnTheNewVersion().Count(output));

        var answers = await RunAsync(Answers());
        Assert.Contains("Armed: ", answers, StringComparison.Ordinal);
    }

    // The commands of the three questions, about the unit of the walk.
    private static string Answers()
    {
        var commands = File.ReadLines(Built.File("README.md")).SkipWhile(line => line != "## Three questions").Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .Select(line => QuestionsCommand().Match(line)).Where(match => match.Success).Select(match => match.Groups[1].Value).ToArray();
        Assert.Equal(3, commands.Length);
        return "DEVICE=$(ota device list --json | grep -m1 '\"id\"' | cut -d'\"' -f4)\n"
            + string.Concat(commands.Select(command => command.Replace("UNIT", "$DEVICE", StringComparison.Ordinal) + "\n"));
    }

    // Every shell block of the walk but the one that installs the tool: here the tool is the one just built.
    private static string Commands()
    {
        var readme = File.ReadAllText(Built.File("README.md"));
        var start = readme.IndexOf("## Five minutes", StringComparison.Ordinal);
        var walk = readme[start..readme.IndexOf("\n## Your own ESP32", start, StringComparison.Ordinal)];
        var blocks = ShellBlock().Matches(walk).Select(match => match.Groups[1].Value)
            .Where(block => !block.Contains("dotnet tool install", StringComparison.Ordinal)).ToArray();
        Assert.True(blocks.Length >= 4, "The README's walk has lost its commands.");
        return string.Concat(blocks);
    }

    private async Task<string> RunAsync(string commands)
    {
        var result = await Shell.RunAsync(_folder, commands.Replace("\r", "", StringComparison.Ordinal), new Dictionary<string, string>
        {
            ["OTA_SERVER"] = _server.Address.ToString(),
        });
        return result.Succeeded().Out;
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex(@"\| `(ota [^`]+)` \|$")]
    private static partial Regex QuestionsCommand();

    [GeneratedRegex(@"^\S{12} .* thermostat +1\.1\.0 +confirmed", RegexOptions.Multiline)]
    private static partial Regex ConfirmedOnTheNewVersion();
}
