using System.Data.Common;
using System.Globalization;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Server.Sharing;
using Ota.Server.Webhooks;

namespace Ota.Server.Dialects.Blynk;

/// <summary>
/// Writes version, restart cause and signal of devices to the cloud of their product, by Blynk's HTTP API. A cloud that hangs holds up its own product's
/// tellings and nobody else's. The address holds the device's token: it is in no log and no error.
/// </summary>
internal sealed partial class BlynkCloudSender(
    Database database, Fleet fleet, ProductCatalog products, MasterSecret master, Duty duty, TimeProvider time, ILogger<BlynkCloudSender> logger)
    : BackgroundService
{
    /// <summary>Calls that are under way for one product at most.</summary>
    private const int MostAtOnce = 4;

    /// <summary>Rows that are read at once.</summary>
    private const int Batch = 100;

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
                foreach (var product in Waiting())
                {
                    if (underWay.GetValueOrDefault(product) is not { IsCompleted: false })
                        underWay[product] = Task.Run(() => TellAsync(product, stoppingToken), CancellationToken.None);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Stopping: what is under way is called off and waits for the next start.
        }

        await Task.WhenAll(underWay.Values);
    }

    private IReadOnlyList<string> Waiting()
    {
        if (!duty.IsMine)
            return [];
        try
        {
            return database.Read(connection => BlynkCloudTable.Products(connection, time.GetUtcNow()));
        }
        catch (DbException fault)
        {
            Log.Delayed(logger, fault.Message);
            return [];
        }
    }

    // Until nothing is due for this product.
    private async Task TellAsync(string product, CancellationToken stoppingToken)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = MostAtOnce, CancellationToken = stoppingToken };
        try
        {
            while (duty.IsMine && database.Read(connection => BlynkCloudTable.Due(connection, product, time.GetUtcNow(), Batch)) is { Count: > 0 } due)
                await Parallel.ForEachAsync(due, options, async (telling, cancellation) => await TellAsync(telling, cancellation));
        }
        catch (Exception fault) when (fault is DbException or OperationCanceledException)
        {
            // Called off while stopping, or an outcome could not be recorded: it waits.
            if (stoppingToken.IsCancellationRequested)
                return;
            Log.Delayed(logger, fault.Message);
            await Task.Delay(AfterFault, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task TellAsync(CloudTelling telling, CancellationToken cancellation)
    {
        var (values, seq) = database.Read(connection => BlynkCloudTable.Values(connection, telling.Device));
        var error = values.Count == 0 ? null : await SendAsync(telling, values, cancellation);
        var now = time.GetUtcNow();
        var at = now.ToUnixTimeMilliseconds();
        // What is newest is worth telling however long it takes: there is no last attempt.
        var next = DeliveryPolicy.Next(telling.Attempts + 1, created: now, now, Random.Shared.NextDouble())!.Value;
        await database.WriteAsync(
            connection =>
            {
                if (error is null)
                    BlynkCloudTable.Told(connection, telling, seq, at);
                else
                    BlynkCloudTable.Failed(connection, telling, at, error, next);
            },
            CancellationToken.None);
        if (error is not null)
            Log.Failed(logger, telling.Device, error);
    }

    private async Task<string?> SendAsync(
        CloudTelling telling, IReadOnlyList<(SystemPin Pin, string Value)> values, CancellationToken cancellation)
    {
        if (fleet.Find(telling.Device) is not { } device || products.Find(device.Product) is not { } product)
            return "the device is not known yet";
        var token = Sealed.Open(telling.Sealed, telling.Device, master.BlynkCloudKey(telling.Device));
        var pins = values.Select(told =>
            string.Create(CultureInfo.InvariantCulture, $"&V{product.Pins.NumberOf(told.Pin)}={Uri.EscapeDataString(told.Value)}"));
        using var request = new HttpRequestMessage(
            HttpMethod.Get, $"{telling.Url.TrimEnd('/')}/external/api/batch/update?token={Uri.EscapeDataString(token)}{string.Concat(pins)}");
        return await _calls.SendAsync(request, cancellation);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "The cloud did not take what {Device} said: {Error}; trying again.")]
        public static partial void Failed(ILogger logger, string device, string error);

        [LoggerMessage(2, LogLevel.Error, "What clouds are to be told could not be read or written ({Reason}); trying again.")]
        public static partial void Delayed(ILogger logger, string reason);
    }
}
