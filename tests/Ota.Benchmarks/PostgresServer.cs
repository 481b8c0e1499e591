using System.Diagnostics;
using Npgsql;

namespace Ota.Benchmarks;

/// <summary>A PostgreSQL as Debian installs it, in a folder of its own and on a socket in it; gone when disposed.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-pg-").FullName;

    private PostgresServer()
    {
    }

    public string ConnectionString => $"Host={_folder};Username=postgres;Database=postgres";

    private static string? Programs { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin")).Max()
        : null;

    private string Data => Path.Combine(_folder, "data");

    /// <summary>Null where none is installed.</summary>
    public static async Task<PostgresServer?> StartAsync()
    {
        if (Programs is null)
            return null;
        var server = new PostgresServer();
        // It refuses to run as root.
        if (Environment.IsPrivilegedProcess)
            await DoneAsync("chown", "postgres", server._folder);
        await RunAsync("initdb", "-D", server.Data, "-U", "postgres", "-A", "trust", "-E", "UTF8");
        await RunAsync("pg_ctl", "start", "-s", "-w", "-D", server.Data, "-l", Path.Combine(server._folder, "log"),
            "-o", $"-c listen_addresses='' -c max_wal_size=4GB -k {server._folder}");
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await RunAsync("pg_ctl", "stop", "-s", "-w", "-m", "immediate", "-D", Data);
        Directory.Delete(_folder, recursive: true);
    }

    private static Task RunAsync(string program, params string[] arguments) => Environment.IsPrivilegedProcess
        ? DoneAsync("setpriv", ["--reuid=postgres", "--regid=postgres", "--init-groups", Path.Combine(Programs!, program), .. arguments])
        : DoneAsync(Path.Combine(Programs!, program), arguments);

    private static async Task DoneAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = "/", RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        // The server itself keeps what it was started with open, so this does not end with the program; it says little.
        process.BeginOutputReadLine();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}.");
    }
}
