using System.Diagnostics;

namespace Ota.EndToEnd.Tests.Dialects;

/// <summary>One run of another updater's program; ended, with its children, when disposed.</summary>
internal sealed class ClientRun : IDisposable
{
    private readonly List<string> _log = [];
    private readonly Process _process;

    public ClientRun(string folder, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["TMPDIR"] = folder },
        };
        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => Heard(line.Data);
        _process.ErrorDataReceived += (_, line) => Heard(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Log
    {
        get
        {
            lock (_log)
                return string.Join('\n', _log);
        }
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Heard(string? line)
    {
        if (line is null)
            return;
        lock (_log)
            _log.Add(line);
    }
}
