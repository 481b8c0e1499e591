using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Ota.Benchmarks;

/// <summary>A server process of ours on a loopback port, asked to end when disposed and waited for.</summary>
internal sealed class Child : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private readonly Process _process;
    private readonly StreamWriter _log;
    private string _last = "it said nothing";

    private Child(Process process, StreamWriter log, int port)
    {
        (_process, _log, Port) = (process, log, port);
    }

    public int Port { get; }

    /// <summary>In MB, as the system counts it now.</summary>
    public double ResidentMegabytes()
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return double.Parse(line["VmRSS:".Length..^"kB".Length], CultureInfo.InvariantCulture) / 1024;
    }

    public int ProcessId => _process.Id;

    public Uri Url => new($"http://127.0.0.1:{Port}");

    /// <summary>
    /// Starts a program and waits until a GET of <paramref name="probe"/> is answered 200; its output goes to a file.
    /// </summary>
    public static async Task<Child> StartAsync(string program, string[] arguments, int port, string probe, string log)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var writer = new StreamWriter(log) { AutoFlush = true };
        var process = Process.Start(start)!;
        var child = new Child(process, writer, port);
        process.OutputDataReceived += child.Keep;
        process.ErrorDataReceived += child.Keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await child.AnswersAsync(probe);
            return child;
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            // SIGTERM, as only so does nginx take its workers along.
            using var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync();
            await _process.WaitForExitAsync().WaitAsync(Patience);
        }

        _process.Dispose();
        await _log.DisposeAsync();
    }

    private void Keep(object sender, DataReceivedEventArgs line)
    {
        lock (_log)
        {
            if (line.Data is not { } text || _log.BaseStream is not { CanWrite: true })
                return;
            _log.WriteLine(text);
            _last = text;
        }
    }

    private async Task AnswersAsync(string probe)
    {
        using var client = new HttpClient { BaseAddress = Url };
        var patience = Stopwatch.StartNew();
        while (true)
        {
            if (_process.HasExited || patience.Elapsed > Patience)
                throw new InvalidOperationException($"{_process.StartInfo.FileName} did not start: {_last}");
            try
            {
                using var answer = await client.GetAsync(new Uri(probe, UriKind.Relative));
                if (answer.IsSuccessStatusCode)
                    return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }

            await Task.Delay(50);
        }
    }
}
