using System.Data.Common;
using System.Data;
using System.Threading.Channels;

namespace Ota.Server.Data;

/// <summary>
/// The database. One thread writes, many units of work to a commit: a write is acknowledged only after the commit that holds it has reached
/// the disk, and writers that come meanwhile share the next one. Readers never wait.
/// </summary>
internal abstract class Database : IAsyncDisposable
{
    private const int MostToACommit = 512;
    private readonly Channel<Work> _queue = Channel.CreateBounded<Work>(
        new BoundedChannelOptions(4096) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private readonly Thread _thread;
    private DbConnection? _writer;
    private long _reads;

    protected Database() => _thread = new Thread(WriteLoop) { IsBackground = true, Name = "database writer" };

    /// <summary>Units of work that wait for their commit.</summary>
    public int Waiting => _queue.Reader.Count;

    /// <summary>How often it was read since the start, for whoever measures what a page costs.</summary>
    public long Reads => Volatile.Read(ref _reads);

    /// <summary>Whether other servers write to it too.</summary>
    public abstract bool IsShared { get; }

    /// <summary>
    /// Runs <paramref name="work"/> in a transaction and returns when it is on disk. It may share that transaction, so it must
    /// touch nothing but the connection; what it learned is applied to memory by the caller, afterwards. An exception undoes this work alone.
    /// </summary>
    /// <param name="basis">What the work was decided on; null when it decides by what it reads itself.</param>
    /// <exception cref="StaleException">Another server changed the basis; nothing was written.</exception>
    public async Task<T> WriteAsync<T>(Func<DbConnection, T> work, CancellationToken cancellation, Basis? basis = null)
    {
        var item = new Work<T>(work, basis);
        await _queue.Writer.WriteAsync(item, cancellation);
        // Once queued the work will be done; to stop waiting would leave the caller not knowing whether it was.
        return await item.Done.Task;
    }

    /// <inheritdoc cref="WriteAsync{T}"/>
    public Task WriteAsync(Action<DbConnection> work, CancellationToken cancellation, Basis? basis = null) =>
        WriteAsync(
            connection =>
            {
                work(connection);
                return 0;
            },
            cancellation,
            basis);

    /// <summary>Reads committed state on a pooled connection.</summary>
    /// <exception cref="DatabaseGoneException">It does not answer.</exception>
    public T Read<T>(Func<DbConnection, T> query)
    {
        Interlocked.Increment(ref _reads);
        try
        {
            using var connection = OpenReader();
            return query(connection);
        }
        catch (Exception fault) when (IsGone(fault))
        {
            throw new DatabaseGoneException(fault);
        }
    }

    /// <summary>
    /// Keeps the other servers from what they do under the same name; null when one of them is at it. Where there is one server, nothing is kept.
    /// </summary>
    /// <param name="isShared">True to keep out only those who want it for themselves; then it is waited for.</param>
    /// <exception cref="DatabaseGoneException">It does not answer.</exception>
    public virtual IDisposable? Claim(string name, bool isShared) => new Unclaimed();

    /// <summary>Finishes what was queued, then closes.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await Task.Run(_thread.Join);
        if (_writer is not null)
            await _writer.DisposeAsync();
        await CloseAsync();
    }

    /// <summary>Opens the writer's connection and lets it begin.</summary>
    protected void Start()
    {
        _writer = OpenWriter();
        _thread.Start();
    }

    /// <summary>Whether this means that the database is out of reach, and not that something is wrong with what was asked.</summary>
    protected virtual bool IsGone(Exception fault) => false;

    protected abstract DbConnection OpenReader();

    /// <summary>A connection for the one writer; opened anew when the one before broke.</summary>
    protected abstract DbConnection OpenWriter();

    /// <summary>Begins the transaction that this work will share, and marks what has become stale.</summary>
    protected abstract void Begin(DbConnection writer, IReadOnlyList<Work> batch);

    /// <summary>Lets go of pooled connections.</summary>
    protected abstract ValueTask CloseAsync();

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
            _writer ??= OpenWriter();
            Begin(_writer, batch);
            foreach (var work in batch)
                RunAlone(_writer, work);
            _writer.ExecuteKept("COMMIT");
        }
        catch (Exception fault) when (fault is DbException or InvalidOperationException or TimeoutException)
        {
            // Nothing of this batch was acknowledged, so nothing of it may stay; each caller is told the same.
            var gone = IsGone(fault) || _writer is { State: not ConnectionState.Open } ? new DatabaseGoneException(fault) : null;
            Undo();
            foreach (var work in batch)
                work.Fail(gone ?? fault);
            return;
        }

        foreach (var work in batch)
            work.Complete();
    }

    private static void RunAlone(DbConnection writer, Work work)
    {
        if (work.IsStale)
            return;
        writer.ExecuteKept("SAVEPOINT work");
        if (work.Run(writer))
        {
            writer.ExecuteKept("RELEASE SAVEPOINT work");
            return;
        }

        writer.ExecuteKept("ROLLBACK TO SAVEPOINT work");
        writer.ExecuteKept("RELEASE SAVEPOINT work");
    }

    private void Undo()
    {
        try
        {
            if (_writer is { State: ConnectionState.Open })
            {
                _writer.ExecuteKept("ROLLBACK");
                return;
            }
        }
        catch (Exception fault) when (fault is DbException or InvalidOperationException)
        {
            // SQLite has rolled back by itself, as it does when the disk is full; a connection that broke is replaced.
            if (!IsShared)
                return;
        }

        _writer?.Dispose();
        _writer = null;
    }

    private sealed class Unclaimed : IDisposable
    {
        public void Dispose()
        {
            // There is nobody else.
        }
    }

    /// <summary>One unit of work that waits for a commit.</summary>
    protected internal abstract class Work(Basis? basis)
    {
        public Basis? Basis { get; } = basis;

        /// <summary>True when its basis is void: it is not run, and its caller decides again.</summary>
        public bool IsStale { get; set; }

        public abstract bool Run(DbConnection connection);

        public abstract void Complete();

        public abstract void Fail(Exception fault);
    }

    private sealed class Work<T>(Func<DbConnection, T> run, Basis? basis) : Work(basis)
    {
        private T? _result;
        private Exception? _fault;

        // Continuations run elsewhere, or one request would hold up the writer of all.
        public TaskCompletionSource<T> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override bool Run(DbConnection connection)
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
            if (IsStale)
                Done.SetException(new StaleException());
            else if (_fault is null)
                Done.SetResult(_result!);
            else
                Done.SetException(_fault);
        }

        public override void Fail(Exception fault) =>
            Done.SetException(fault is DatabaseGoneException ? fault : _fault ?? fault);
    }
}
