using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Ota.EndToEnd.Tests;

/// <summary>The real server as a process of its own, on loopback. Killing it leaves its data; <see cref="StartAsync"/> goes on with them.</summary>
public sealed class OtaServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly List<string> _log = [];
    private Process? _process;

    private OtaServer(string data, int port)
    {
        Data = data;
        Address = new Uri($"http://127.0.0.1:{port}/");
        Staff = new HttpClient { BaseAddress = Address };
    }

    /// <summary>Options for a server that is called as fast as it answers.</summary>
    public static IReadOnlyList<string> WithoutLimits { get; } = ["--DeviceCallsPerMinute", "0", "--KeyCallsPerMinute", "0"];

    public string Data { get; }

    /// <summary>Connection string of the PostgreSQL database it is on; null for the embedded one.</summary>
    public string? Database { get; init; }

    /// <summary>Folder of the server whose master secret and images it shares; null for its own.</summary>
    public string? Beside { get; init; }

    /// <summary>Further options on its command line.</summary>
    public IReadOnlyList<string> More { get; init; } = [];

    public Uri Address { get; }

    public string AdminKey => File.ReadAllText(Path.Combine(Beside ?? Data, "admin.key")).Trim();

    /// <summary>Speaks with the first admin's key.</summary>
    public HttpClient Staff { get; }

    public int ProcessId => _process!.Id;

    public string Log
    {
        get
        {
            lock (_log)
                return string.Join('\n', _log);
        }
    }

    public static async Task<OtaServer> NewAsync(string data, string? database = null, string? beside = null, params string[] more)
    {
        var server = new OtaServer(data, FreePort()) { Database = database, Beside = beside, More = more };
        await server.StartAsync();
        return server;
    }

    /// <summary>Starts the process and waits until it is ready.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("dotnet", [Built.Server, "--urls", Address.ToString(), "--data", Data, .. More])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        if (Database is not null)
            start.Environment["OTA_Database"] = Database;
        if (Beside is not null)
        {
            start.Environment["OTA_MasterKeyFile"] = Path.Combine(Beside, "master.key");
            start.Environment["OTA_Releases"] = Path.Combine(Beside, "releases");
        }

        var listening = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Heard(line.Data, listening);
        _process.ErrorDataReceived += (_, line) => Heard(line.Data, listening);
        _process.Exited += (_, _) => listening.TrySetException(new InvalidOperationException("The server ended:\n" + Log));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await listening.Task.WaitAsync(Patience);
        Staff.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", AdminKey);
    }

    /// <summary>SIGKILL: no handler runs, nothing is flushed.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>SIGSTOP: it keeps its sockets, its connections and what it holds locked, and does nothing.</summary>
    public Task FreezeAsync() => SignalAsync("STOP");

    /// <summary>SIGCONT: it goes on where it was, and knows nothing of the time between.</summary>
    public Task ResumeAsync() => SignalAsync("CONT");

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await KillAsync();
        Staff.Dispose();
    }

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{ProcessId}"]);
        await kill.WaitForExitAsync();
    }

    private void Heard(string? line, TaskCompletionSource listening)
    {
        if (line is null)
            return;
        lock (_log)
            _log.Add(line);
        if (line.Contains("Now listening on", StringComparison.Ordinal))
            listening.TrySetResult();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
