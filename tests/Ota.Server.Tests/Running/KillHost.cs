using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace Ota.Server.Tests.Running;

/// <summary>The real server as a process of its own that kills itself at a statement of its database (tests/Ota.KillHost).</summary>
internal sealed class KillHost : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-kill-").FullName;
    private readonly string[] _more;
    private Process? _process;

    private KillHost(string[] more) => (_more, Address) = (more, new Uri($"http://127.0.0.1:{FreePort()}/"));

    public Uri Address { get; }

    /// <summary>The image store's folder.</summary>
    public string Images => Path.Combine(_folder, "releases", ".images");

    public HttpClient Staff { get; private set; } = null!;

    /// <summary>How often it was killed.</summary>
    public int Kills { get; private set; }

    public static async Task<KillHost> StartAsync(params string[] more)
    {
        var host = new KillHost(more);
        await host.StartAsync();
        host.Staff = new HttpClient { BaseAddress = host.Address };
        host.Staff.DefaultRequestHeaders.Authorization =
            new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Path.Combine(host._folder, "admin.key"))).Trim());
        return host;
    }

    /// <summary>From now on so many statements are run, and the process ends with the last of them.</summary>
    public async Task KillAtAsync(int statement) => Assert.True(await ToldAsync($"kill {statement}"), "The host ended before it was told when.");

    /// <summary>Removes what nobody needs, on a clock that is so many days ahead; false when it was killed meanwhile.</summary>
    public async Task<bool> RetainAsync(int days) => await ToldAsync($"days {days}") && await ToldAsync("retain");

    /// <summary>It lives from now on, also if it was killed before it heard that.</summary>
    public async Task SpareAsync()
    {
        if (!await ToldAsync("kill 0"))
            await RestartAsync();
    }

    /// <summary>Starts it again on what it left, if it was killed. Asked over the wire: the system tells of a child's end a good deal later.</summary>
    public async Task ReviveAsync()
    {
        try
        {
            (await Staff.GetAsync("healthz")).Dispose();
        }
        catch (Exception cut) when (cut is HttpRequestException or SocketException)
        {
            await RestartAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Staff.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task RestartAsync()
    {
        await _process!.WaitForExitAsync().WaitAsync(Patience);
        // 128 + SIGKILL; anything else is a fault of ours.
        Assert.Equal(137, _process!.ExitCode);
        Kills++;
        _process.Dispose();
        await StartAsync();
    }

    private async Task StartAsync()
    {
        _process = Process.Start(new ProcessStartInfo(
            "dotnet", [Program(), "--urls", Address.ToString(), "--data", _folder, "--Logging:LogLevel:Default=None", .. _more])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.True(await HeardAsync("Now listening"), "The host ended before it listened.");
    }

    private async Task<bool> ToldAsync(string command)
    {
        try
        {
            await _process!.StandardInput.WriteLineAsync(command);
            return await HeardAsync("Done");
        }
        catch (IOException)
        {
            return false;
        }
    }

    // False when it ended before it said so.
    private async Task<bool> HeardAsync(string awaited)
    {
        using var patience = new CancellationTokenSource(Patience);
        string? line;
        do
            line = await _process!.StandardOutput.ReadLineAsync(patience.Token);
        while (line is not null && line != awaited);
        return line is not null;
    }

    // …/tests/Ota.Server.Tests/bin/<configuration>/<framework>/
    private static string Program()
    {
        var framework = new DirectoryInfo(AppContext.BaseDirectory);
        return Vectors.Repository($"tests/Ota.KillHost/bin/{framework.Parent!.Name}/{framework.Name}/Ota.KillHost.dll");
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
