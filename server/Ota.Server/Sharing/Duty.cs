using System.Data.Common;
using System.Diagnostics;
using Dapper;
using Ota.Server.Data;

namespace Ota.Server.Sharing;

/// <summary>
/// What one server does for all: webhooks and alerts. Where several share a database one of them has a lease, which it renews; when it
/// dies or freezes another takes over after at most <see cref="LeaseSeconds"/>. <see cref="IsMine"/> is a courtesy and no lock: whoever still
/// acts on a lease that has just ended does what the other may do too, so what is done must bear being done twice. What does not asks
/// <see cref="IsMineIn"/> in the very transaction that writes it.
/// </summary>
internal sealed partial class Duty(Database database, ILogger<Duty> logger) : BackgroundService
{
    private const int LeaseSeconds = 10;

    private const string TakeSql =
        """
        INSERT INTO duties AS d (name, holder, until)
        VALUES ('everything', @me, (extract(epoch FROM clock_timestamp()) * 1000)::bigint + @lease)
        ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until
        WHERE d.holder = @me OR d.until < (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        """;

    private const string HeldSql = "SELECT count(*) FROM duties WHERE name = 'everything' AND holder = @me";

    private const string LeaveSql = "DELETE FROM duties WHERE name = 'everything' AND holder = @me";

    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(2);
    private readonly string _me = Guid.NewGuid().ToString("N");
    private long _until;

    /// <summary>How often it has come to this server; what is kept for the duty alone is read anew when this has grown.</summary>
    public int Terms { get; private set; }

    /// <summary>Whether this server does it now. Always, where it is alone.</summary>
    public bool IsMine => !database.IsShared || Stopwatch.GetTimestamp() < Volatile.Read(ref _until);

    /// <summary>Whether no other server has taken it. Asked in a write, it stays so until that is done, as there is one writer at a time.</summary>
    public bool IsMineIn(DbConnection connection) => !database.IsShared || connection.ExecuteScalar<long>(HeldSql, new { me = _me }) > 0;

    /// <summary>Takes the lease if it is free, before the first request.</summary>
    public async Task TakeAsync(CancellationToken cancellation)
    {
        if (!database.IsShared)
            return;
        // Counted from before it was asked for: on a clock that goes on while the process is frozen, it ends here before it ends there.
        var end = Stopwatch.GetTimestamp() + LeaseSeconds * Stopwatch.Frequency;
        var (before, taken) = (IsMine, await database.WriteAsync(
            connection => connection.Execute(TakeSql, new { me = _me, lease = LeaseSeconds * 1000 }) > 0, cancellation));
        if (!taken)
            return;
        if (!before)
        {
            Terms++;
            Log.Taken(logger);
        }

        Volatile.Write(ref _until, end);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await TakeAsync(stoppingToken);
                await Task.Delay(Renewal, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (DbException fault)
            {
                Log.Delayed(logger, fault.Message);
                await Task.Delay(Renewal, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await LeaveAsync();
    }

    private async Task LeaveAsync()
    {
        Volatile.Write(ref _until, 0);
        try
        {
            await database.WriteAsync(connection => connection.Execute(LeaveSql, new { me = _me }), CancellationToken.None);
        }
        catch (DbException fault)
        {
            Log.Delayed(logger, fault.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "This server does now what one does for all.")]
        public static partial void Taken(ILogger logger);

        [LoggerMessage(2, LogLevel.Error, "The lease could not be renewed ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, string reason);
    }
}
