using System.Diagnostics;
using System.Text.Json;

namespace Ota.EndToEnd.Tests;

/// <summary>What one run of <c>ota</c> answered.</summary>
public sealed record CommandResult(int ExitCode, string Out, string Error)
{
    /// <summary>Stdout as the one JSON document that --json promises.</summary>
    public JsonElement Json => Parse(Out);

    /// <summary>The error document on stderr.</summary>
    public JsonElement JsonError => Parse(Error).GetProperty("error");

    /// <summary>This, when it was successful; a readable failure else.</summary>
    public CommandResult Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}{Environment.NewLine}{Out}{Error}");
        return this;
    }

    private static JsonElement Parse(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}

/// <summary>Runs the real <c>ota</c> process in a folder of its own, with nothing of the user's environment.</summary>
public sealed class OtaCommand
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Dictionary<string, string> _environment = [];
    private readonly string _folder;

    public OtaCommand(string folder)
    {
        _folder = folder;
        this["OTA_CONFIG"] = Path.Combine(folder, "config", "config.json");
        this["XDG_STATE_HOME"] = Path.Combine(folder, "state");
        // A port nobody listens on, so that a test never meets a developer's own server.
        this["OTA_SERVER"] = "http://127.0.0.1:9";
        this["OTA_KEY"] = "ota_0000000000_" + new string('0', 64);
    }

    /// <summary>Adds to the environment; an empty value is as good as none.</summary>
    public string this[string variable]
    {
        set => _environment[variable] = value;
    }

    public Task<CommandResult> RunAsync(params string[] arguments) => RunAsync(stdin: "", arguments);

    public async Task<CommandResult> RunAsync(string stdin, string[] arguments)
    {
        using var process = Start(arguments);
        await process.StandardInput.WriteAsync(stdin);
        process.StandardInput.Close();
        return await ResultAsync(process);
    }

    /// <summary>Starts without waiting; the caller ends it.</summary>
    public Process Start(params string[] arguments)
    {
        // Tests that run in the background have inherited that Ctrl-C is ignored; the command is to hear it.
        string[] command = OperatingSystem.IsLinux() ? ["env", "--default-signal=INT", "dotnet"] : ["dotnet"];
        var start = new ProcessStartInfo(command[0], [.. command[1..], Built.Cli, .. arguments])
        {
            WorkingDirectory = _folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var variable in (string[])["NO_COLOR", "SOURCE_DATE_EPOCH", "OTA_KEY_PASSWORD"])
            start.Environment.Remove(variable);
        foreach (var (name, value) in _environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    /// <summary>Reads both streams to their ends and waits.</summary>
    public static async Task<CommandResult> ResultAsync(Process process)
    {
        using var timeout = new CancellationTokenSource(Patience);
        var output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        var error = process.StandardError.ReadToEndAsync(timeout.Token);
        await process.WaitForExitAsync(timeout.Token);
        return new CommandResult(process.ExitCode, await output, await error);
    }
}
