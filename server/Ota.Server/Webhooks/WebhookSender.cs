using System.Data.Common;
using System.Globalization;
using System.Text;
using Ota.Server.Data;
using Ota.Server.Http;
using Ota.Server.Secrets;
using Ota.Server.Sharing;

namespace Ota.Server.Webhooks;

/// <summary>
/// Tells webhooks what waits for them in the outbox. Each webhook has its own few deliveries under way, so a receiver that hangs holds up
/// nobody but itself. What is under way when the server ends is told again after its next start, under the same id.
/// </summary>
internal sealed partial class WebhookSender(Database database, MasterSecret master, Duty duty, TimeProvider time, ILogger<WebhookSender> logger)
    : BackgroundService
{
    /// <summary>Deliveries that are under way to one webhook at most.</summary>
    private const int MostAtOnce = 4;

    /// <summary>Rows that are read at once.</summary>
    private const int Batch = 100;

    private const string Gone = "HTTP 410";
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AfterFault = TimeSpan.FromSeconds(15);

    private readonly OutgoingCalls _calls = new(time);

    public override void Dispose()
    {
        _calls.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        var underWay = new Dictionary<string, Task>(StringComparer.Ordinal);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                foreach (var webhook in Waiting())
                {
                    if (underWay.GetValueOrDefault(webhook.Id) is not { IsCompleted: false })
                        underWay[webhook.Id] = Task.Run(() => TellAsync(webhook, stoppingToken), CancellationToken.None);
                }

                foreach (var (id, _) in underWay.Where(telling => telling.Value.IsCompleted))
                    underWay.Remove(id);
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping: what is under way is called off and waits for the next start.
        }

        await Task.WhenAll(underWay.Values);
    }

    private IReadOnlyList<Webhook> Waiting()
    {
        if (!duty.IsMine)
            return [];
        try
        {
            return database.Read(WebhookTable.Waiting);
        }
        catch (DbException fault)
        {
            Log.Delayed(logger, fault.Message);
            return [];
        }
    }

    // Until nothing is due for this webhook.
    private async Task TellAsync(Webhook webhook, CancellationToken stoppingToken)
    {
        try
        {
            while (duty.IsMine && database.Read(connection => Outbox.Due(connection, webhook.Id, time.GetUtcNow(), Batch)) is { Count: > 0 } due)
                await TellAsync(webhook, due, stoppingToken);
        }
        catch (Exception fault) when (fault is DbException or OperationCanceledException)
        {
            // Called off while stopping, or because another one's outcome could not be recorded: it waits in the outbox.
            if (stoppingToken.IsCancellationRequested)
                return;
            Log.Delayed(logger, fault.Message);
            // The row still says that it is due: at once it would be told over and over while the disk is full.
            await Task.Delay(AfterFault, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Until something that was read waits no more: then it was disabled or removed meanwhile, and the rest is not to go out either.
    private async Task TellAsync(Webhook webhook, IReadOnlyList<Waiting> due, CancellationToken stoppingToken)
    {
        var isOver = false;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var options = new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = over.Token };
        try
        {
            await Parallel.ForEachAsync(due, options, async (waiting, _) =>
            {
                if (await RecordAsync(webhook, waiting, await SendAsync(webhook, waiting, stoppingToken)))
                    return;
                Volatile.Write(ref isOver, true);
                await over.CancelAsync();
            });
        }
        catch (OperationCanceledException) when (Volatile.Read(ref isOver))
        {
            // What is left to be told, if anything, is read anew.
        }
    }

    /// <summary>Null when the receiver has it, else why not, in a few words that hold no address.</summary>
    private async Task<string?> SendAsync(Webhook webhook, Waiting waiting, CancellationToken cancellation)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds();
        using var request = new HttpRequestMessage(HttpMethod.Post, webhook.Url)
        {
            Content = new StringContent(waiting.Body, Encoding.UTF8, "application/json"),
        };
        request.Headers.TryAddWithoutValidation("webhook-id", waiting.Event);
        request.Headers.TryAddWithoutValidation("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        request.Headers.TryAddWithoutValidation(
            "webhook-signature", WebhookSignature.Of(master.WebhookSecret(webhook.Id), waiting.Event, timestamp, waiting.Body));
        return await _calls.SendAsync(request, cancellation);
    }

    /// <summary>False when it waited no more, or the receiver is gone.</summary>
    private async Task<bool> RecordAsync(Webhook webhook, Waiting waiting, string? error)
    {
        var now = time.GetUtcNow();
        var at = now.ToUnixTimeMilliseconds();
        var attempts = waiting.Attempts + 1;
        var next = DeliveryPolicy.Next(attempts, waiting.Created, now, Random.Shared.NextDouble());
        var waited = await database.WriteAsync(
            connection =>
            {
                switch (error)
                {
                    case null:
                        return WebhookTable.Delivered(connection, waiting, at);
                    case Gone:
                        WebhookTable.Disable(connection, webhook, at, error);
                        return false;
                    default:
                        return next is { } due
                            ? WebhookTable.Postpone(connection, waiting, at, error, due)
                            : WebhookTable.GiveUp(connection, waiting, at, error);
                }
            },
            CancellationToken.None);
        if (error is null)
            Log.Told(logger, webhook.Id, waiting.Event);
        else if (error == Gone)
            Log.Disabled(logger, webhook.Id, webhook.Product);
        else if (next is null)
            Log.GivenUp(logger, webhook.Id, waiting.Event, attempts, error);
        else
            Log.Failed(logger, webhook.Id, waiting.Event, error);
        return waited;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "Webhook {Webhook} took {Event}.")]
        public static partial void Told(ILogger logger, string webhook, string @event);

        [LoggerMessage(2, LogLevel.Debug, "Webhook {Webhook} did not take {Event}: {Error}; trying again.")]
        public static partial void Failed(ILogger logger, string webhook, string @event, string error);

        [LoggerMessage(
            3, LogLevel.Warning, "Webhook {Webhook} was not told {Event}: given up after {Attempts} attempts, the last: {Error}.")]
        public static partial void GivenUp(ILogger logger, string webhook, string @event, long attempts, string error);

        [LoggerMessage(4, LogLevel.Warning, "Webhook {Webhook} of {Product} answered 410 and is told nothing more.")]
        public static partial void Disabled(ILogger logger, string webhook, string product);

        [LoggerMessage(5, LogLevel.Error, "The outbox of webhooks could not be read or written ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, string reason);
    }
}
