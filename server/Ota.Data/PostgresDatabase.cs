using System.Data.Common;
using Dapper;
using Npgsql;

namespace Ota.Server.Data;

/// <summary>
/// PostgreSQL, for several servers. One of them writes at a time: each commit begins with the same advisory lock, so the changes are numbered
/// in the order in which they became visible, and a decision that rested on facts which another server has changed since is not written
/// (docs/decisions/0009). A server that freezes while it holds the lock loses it after <see cref="FrozenSeconds"/>.
/// </summary>
internal sealed class PostgresDatabase : Database
{
    /// <summary>The channel that tells of new rows in <c>changes</c>.</summary>
    public const string Channel = "ota_changes";

    // "ota" in ASCII; any number that nobody else's advisory locks use.
    private const int WriterLock = 0x6f7461;
    private const int FrozenSeconds = 5;

    /// <summary>Option of a connection: it is ended when its process freezes in the middle of a transaction, and its locks with it.</summary>
    public static string CutsOffWhoFreezes { get; } = $"-c idle_in_transaction_session_timeout={FrozenSeconds * 1000}";

    private const int ClaimLock = 0x6f7463;

    private const string ChangedSql = "SELECT key, max(seq) FROM changes WHERE seq > @since AND kind = 'device' AND server <> @me GROUP BY key";

    private readonly NpgsqlDataSource _readers;
    private readonly string _writer;

    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    public PostgresDatabase(string connectionString)
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        _readers = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "ota", Timeout = 5, CommandTimeout = 20, MaxAutoPrepare = 50,
        });
        _writer = new NpgsqlConnectionStringBuilder(connectionString)
        {
            ApplicationName = "ota writer",
            Pooling = false,
            Timeout = 5,
            CommandTimeout = 20,
            Options = CutsOffWhoFreezes + " -c lock_timeout=15000 -c synchronous_commit=on",
        }.ToString();
        Start();
    }

    public override bool IsShared => true;

    /// <summary>
    /// Under what name the writer's changes are noted. Another one for each connection: of one that broke nobody knows whether its last commit
    /// was done, so what it changed is taken over like a stranger's.
    /// </summary>
    public string Me { get; private set; } = "";

    /// <summary>A connection of its own, to listen on.</summary>
    public async Task<NpgsqlConnection> ListenAsync(CancellationToken cancellation)
    {
        var connection = await _readers.OpenConnectionAsync(cancellation);
        await connection.ExecuteAsync("LISTEN " + Channel);
        return connection;
    }

    /// <inheritdoc/>
    public override IDisposable? Claim(string name, bool isShared)
    {
        // Of the session, so that it ends with the process, however that ends.
        NpgsqlConnection? connection = null;
        try
        {
            connection = _readers.OpenConnection();
            if (isShared)
                connection.Execute("SELECT pg_advisory_lock_shared(@ClaimLock, hashtext(@name))", new { ClaimLock, name });
            else if (!connection.ExecuteScalar<bool>("SELECT pg_try_advisory_lock(@ClaimLock, hashtext(@name))", new { ClaimLock, name }))
            {
                connection.Dispose();
                return null;
            }

            return new Claimed(connection);
        }
        catch (Exception fault) when (IsGone(fault))
        {
            connection?.Dispose();
            throw new DatabaseGoneException(fault);
        }
    }

    // A PostgresException is its answer; of those, some say that it stops, starts, or has no room for one more connection.
    protected override bool IsGone(Exception fault) => fault switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => false,
        PostgresException { SqlState: var state } => state[..2] is "08" or "53" or "57" || state is "25P03" or "55P03",
        NpgsqlException or TimeoutException => true,
        _ => false,
    };

    protected override DbConnection OpenReader() => _readers.OpenConnection();

    protected override DbConnection OpenWriter()
    {
        var writer = new NpgsqlConnection(_writer);
        try
        {
            writer.Open();
            Migrator.Run(writer, Dialect.PostgreSql);
            var me = Guid.NewGuid().ToString("N");
            writer.Execute("SELECT set_config('ota.server', @me, false)", new { me });
            Me = me;
            return writer;
        }
        catch
        {
            writer.Dispose();
            throw;
        }
    }

    protected override void Begin(DbConnection writer, IReadOnlyList<Work> batch)
    {
        // Whatever the database's default is: each statement after the lock must see what the writer before committed.
        writer.ExecuteKept("BEGIN ISOLATION LEVEL READ COMMITTED");
        writer.Execute($"SELECT pg_advisory_xact_lock({WriterLock})");
        var rests = batch.Where(work => work.Basis is not null).ToArray();
        if (rests.Length == 0)
            return;
        // A basis may be older than the changes that are kept: who slept so long cannot tell what has become of it.
        var oldest = Changes.Oldest(writer);
        var changed = writer.Query<(string Key, long Seq)>(ChangedSql, new { since = rests.Min(work => work.Basis!.Value.Position), me = Me })
            .ToDictionary(row => row.Key, row => row.Seq);
        foreach (var work in rests)
        {
            var (device, position) = work.Basis!.Value;
            work.IsStale = position < oldest || (changed.TryGetValue(device, out var seq) && seq > position);
        }
    }

    protected override ValueTask CloseAsync() => _readers.DisposeAsync();

    private sealed class Claimed(NpgsqlConnection connection) : IDisposable
    {
        public void Dispose()
        {
            try
            {
                connection.Execute("SELECT pg_advisory_unlock_all()");
            }
            catch (NpgsqlException)
            {
                // The session is gone, and its locks with it.
            }

            connection.Dispose();
        }
    }
}
