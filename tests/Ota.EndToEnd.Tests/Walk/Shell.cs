using System.Diagnostics;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>Runs a script as a person would, with the <c>ota</c> that was just built on the path and nothing of this machine's own settings.</summary>
internal static class Shell
{
    public static async Task<CommandResult> RunAsync(TemporaryFolder folder, string script, IReadOnlyDictionary<string, string> environment)
    {
        var tools = Directory.CreateDirectory(folder["tools"]).FullName;
        var ota = Path.Combine(tools, "ota");
        await File.WriteAllTextAsync(ota, $"#!/bin/sh\nexec dotnet '{Built.Cli}' \"$@\"\n", TestContext.Current.CancellationToken);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(ota, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

        var start = new ProcessStartInfo("bash", ["-e"])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["PATH"] = tools + ":" + start.Environment["PATH"];
        start.Environment["HOME"] = folder.Path;
        foreach (var variable in (string[])["OTA_KEY", "OTA_CONFIG", "XDG_CONFIG_HOME", "XDG_STATE_HOME"])
            start.Environment.Remove(variable);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var shell = Process.Start(start)!;
        await shell.StandardInput.WriteAsync(script.AsMemory(), TestContext.Current.CancellationToken);
        shell.StandardInput.Close();
        return await OtaCommand.ResultAsync(shell);
    }
}
