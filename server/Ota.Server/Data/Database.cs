using System.Threading.Channels;
using Microsoft.Data.Sqlite;

namespace Ota.Server.Data;

/// <summary>
/// The embedded database. One thread writes, many units of work to a commit: a write is acknowledged only after the commit that
/// holds it has reached the disk (WAL, synchronous=FULL), and writers that come meanwhile share the next one. Readers never wait.
/// </summary>
internal sealed class Database : IAsyncDisposable
{
    private const int MostToACommit = 512;
    private readonly string _connectionString;
    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(
        new BoundedChannelOptions(4096) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly SqliteConnection _writer;
    private readonly Thread _thread;

    public Database(string path)
    {
        SQLitePCL.Batteries_V2.Init();
        Dapper.DefaultTypeMap.MatchNamesWithUnderscores = true;
        _connectionString = new SqliteConnectionStringBuilder { DataSource = path, Pooling = true }.ToString();
        _writer = Open();
        Execute(_writer, "PRAGMA journal_mode=WAL");
        Execute(_writer, "PRAGMA wal_autocheckpoint=4000");
        Migrator.Run(_writer);
        _thread = new Thread(WriteLoop) { IsBackground = true, Name = "database writer" };
        _thread.Start();
    }

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction and returns when it is on disk. It may share that transaction, so it must
    /// touch nothing but the connection; what it learned is applied to memory by the caller, afterwards. An exception undoes this work alone.
    /// </summary>
    public async Task<T> WriteAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellation)
    {
        var item = new Work<T>(work);
        await _queue.Writer.WriteAsync(item, cancellation);
        // Once queued the work will be done; to stop waiting would leave the caller not knowing whether it was.
        return await item.Done.Task;
    }

    public Task WriteAsync(Action<SqliteConnection> work, CancellationToken cancellation) =>
        WriteAsync(
            connection =>
            {
                work(connection);
                return 0;
            },
            cancellation);

    /// <summary>Reads committed state on a pooled connection.</summary>
    public T Read<T>(Func<SqliteConnection, T> query)
    {
        using var connection = Open();
        return query(connection);
    }

    /// <summary>Finishes what was queued, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await Task.Run(_thread.Join);
        await _writer.DisposeAsync();
        SqliteConnection.ClearAllPools();
    }

    private SqliteConnection Open()
    {
        var connection = new SqliteConnection(_connectionString);
        connection.Open();
        Execute(connection, "PRAGMA busy_timeout=10000; PRAGMA foreign_keys=ON; PRAGMA synchronous=FULL");
        return connection;
    }

    private void WriteLoop()
    {
        var batch = new List<Work>(MostToACommit);
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (batch.Count < MostToACommit && _queue.Reader.TryRead(out var work))
                batch.Add(work);
            Commit(batch);
            batch.Clear();
        }
    }

    private void Commit(List<Work> batch)
    {
        try
        {
            _writer.ExecuteKept("BEGIN IMMEDIATE");
            foreach (var work in batch)
                RunAlone(work);
            _writer.ExecuteKept("COMMIT");
        }
        catch (SqliteException fault)
        {
            // Nothing of this batch was acknowledged, so nothing of it may stay; each caller is told the same.
            Undo("ROLLBACK");
            foreach (var work in batch)
                work.Fail(fault);
            return;
        }

        foreach (var work in batch)
            work.Complete();
    }

    private void RunAlone(Work work)
    {
        _writer.ExecuteKept("SAVEPOINT work");
        if (work.Run(_writer))
        {
            _writer.ExecuteKept("RELEASE work");
            return;
        }

        _writer.ExecuteKept("ROLLBACK TO work");
        _writer.ExecuteKept("RELEASE work");
    }

    private void Undo(string sql)
    {
        try
        {
            _writer.ExecuteKept(sql);
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself, as it does when the disk is full.
        }
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private abstract class Work
    {
        public abstract bool Run(SqliteConnection connection);

        public abstract void Complete();

        public abstract void Fail(Exception fault);
    }

    private sealed class Work<T>(Func<SqliteConnection, T> run) : Work
    {
        private T? _result;
        private Exception? _fault;

        // Continuations run elsewhere, or one request would hold up the writer of all.
        public TaskCompletionSource<T> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override bool Run(SqliteConnection connection)
        {
            try
            {
                _result = run(connection);
                return true;
            }
#pragma warning disable CA1031 // Whatever it was belongs to the caller who queued it, not to the others in this commit.
            catch (Exception fault)
#pragma warning restore CA1031
            {
                _fault = fault;
                return false;
            }
        }

        public override void Complete()
        {
            if (_fault is null)
                Done.SetResult(_result!);
            else
                Done.SetException(_fault);
        }

        public override void Fail(Exception fault) => Done.SetException(_fault ?? fault);
    }
}
