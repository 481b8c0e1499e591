using System.Diagnostics;
using Npgsql;

[assembly: AssemblyFixture(typeof(Ota.Server.Tests.Running.PostgreSql))]

namespace Ota.Server.Tests.Running;

/// <summary>
/// A real PostgreSQL in a folder of its own, which listens on a socket in it and nowhere else; started when first asked
/// for, gone with the tests. Its locale is Danish: what depends on the order of letters shows.
/// </summary>
public sealed class PostgreSql : IAsyncLifetime
{
    // Its owner's alone.
    private readonly string _folder = Directory.CreateTempSubdirectory("ota-pg-").FullName;
    private readonly SemaphoreSlim _starting = new(1, 1);
    private bool _isStarted;

    // Debian's package postgresql keeps its programs apart from the path, a folder for each version.
    private static string? Programs { get; } = Directory.Exists("/usr/lib/postgresql")
        ? Directory.EnumerateDirectories("/usr/lib/postgresql").Select(version => Path.Combine(version, "bin"))
            .Where(programs => File.Exists(Path.Combine(programs, "initdb"))).Max()
        : null;

    private static bool IsRoot => Environment.UserName == "root";

    /// <summary>Null when it can be started here, else why not.</summary>
    public static string? Missing { get; } =
        Programs is null ? "PostgreSQL (Debian's package postgresql) is not installed."
        : IsRoot && !File.ReadLines("/etc/passwd").Any(user => user.StartsWith("postgres:", StringComparison.Ordinal))
            ? "PostgreSQL does not run as root, and there is no user postgres."
            : null;

    /// <summary>The one of this run.</summary>
    public static PostgreSql Instance { get; private set; } = null!;

    public ValueTask InitializeAsync()
    {
        Instance = this;
        return ValueTask.CompletedTask;
    }

    /// <summary>A database of its own; its connection string.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        var name = "ota_" + Guid.NewGuid().ToString("N");
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand($"CREATE DATABASE {name}", connection);
        await command.ExecuteNonQueryAsync();
        return Of(name);
    }

    /// <summary>Copies a database that nobody uses to one beside it; both by what is appended to their names.</summary>
    public async Task CopyAsync(string connectionString, string from, string to)
    {
        NpgsqlConnection.ClearAllPools();
        var name = new NpgsqlConnectionStringBuilder(connectionString).Database;
        await using var connection = await OpenAsync();
        foreach (var sql in (string[])[$"DROP DATABASE IF EXISTS {name}{to} WITH (FORCE)", $"CREATE DATABASE {name}{to} TEMPLATE {name}{from}"])
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    /// <summary>Ends every connection at once, as a crash does, and starts it anew.</summary>
    public async Task RestartAsync()
    {
        await RunAsync("pg_ctl", "stop", "-s", "-w", "-m", "immediate", "-D", Data);
        await RunAsync("pg_ctl", "start", "-s", "-w", "-D", Data, "-l", Path.Combine(_folder, "log"), "-o", Options);
    }

    /// <summary>A connection; a test without PostgreSQL is skipped, and says so. In CI a skipped test is a failure.</summary>
    public async Task<NpgsqlConnection> OpenAsync()
    {
        Assert.SkipWhen(Missing is not null, Missing ?? "");
        await _starting.WaitAsync();
        try
        {
            if (!_isStarted)
                await StartAsync();
            _isStarted = true;
        }
        finally
        {
            _starting.Release();
        }

        var connection = new NpgsqlConnection(Of("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        if (_isStarted)
            await RunAsync("pg_ctl", "stop", "-s", "-w", "-m", "immediate", "-D", Data);
        Directory.Delete(_folder, recursive: true);
        _starting.Dispose();
    }

    private string Options => $"-c listen_addresses='' -c fsync=off -c max_connections=600 -k {_folder}";

    private string Of(string database) => $"Host={_folder};Username=postgres;Database={database}";

    private string Data => Path.Combine(_folder, "data");

    private async Task StartAsync()
    {
        if (IsRoot)
            await StartedAsync("chown", ["postgres", _folder]);
        await RunAsync(
            "initdb", "-D", Data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync",
            "--locale=C", "--locale-provider=icu", "--icu-locale=da");
        await RunAsync(
            "pg_ctl", "start", "-s", "-w", "-D", Data, "-l", Path.Combine(_folder, "log"),
            "-o", Options);
    }

    // initdb refuses root; setpriv becomes the program it starts.
    private Task RunAsync(string program, params string[] arguments) => IsRoot
        ? StartedAsync(
            "setpriv",
            ["--reuid=postgres", "--regid=postgres", "--init-groups", Path.Combine(Programs!, program), .. arguments])
        : StartedAsync(Path.Combine(Programs!, program), arguments);

    private async Task StartedAsync(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        // Read, or a full pipe would hold it up; the server itself writes to its log.
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {string.Concat(said)}");
    }
}
