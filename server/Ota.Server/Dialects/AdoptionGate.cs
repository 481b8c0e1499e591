using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Products;

namespace Ota.Server.Dialects;

/// <summary>That a client is not taken in now, and when it may be.</summary>
internal sealed record GateClosed(TimeSpan Wait);

/// <summary>
/// Bounds how many devices a product's dialect key takes in: it is the same in every unit, and who has read it out of one could fill the fleet. In
/// memory, of each server for itself.
/// </summary>
internal sealed partial class AdoptionGate(Database database, TimeProvider time, ILogger<AdoptionGate> logger)
{
    public const int MostInAnHour = 1000;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (DateTimeOffset Since, int Taken)> _hours = new(StringComparer.Ordinal);

    /// <summary>Null when one more may come in; else how long to wait. The first that is refused in an hour is audited.</summary>
    public async Task<TimeSpan?> EnterAsync(Product product)
    {
        var now = time.GetUtcNow();
        var (since, taken) = Take(product.Name, now);
        if (taken <= MostInAnHour)
            return null;
        if (taken == MostInAnHour + 1)
        {
            Log.Closed(logger, product.Name, MostInAnHour);
            await database.WriteAsync(
                connection => AuditLog.Append(
                    connection, now.ToUnixTimeMilliseconds(), "server", "product.dialect-key-limited", product.Name, $"{MostInAnHour} new devices in an hour"),
                CancellationToken.None);
        }

        return since + Hour - now;
    }

    // Products that exist, each once.
    private (DateTimeOffset Since, int Taken) Take(string product, DateTimeOffset now)
    {
        lock (_lock)
        {
            var hour = _hours.TryGetValue(product, out var known) && now >= known.Since && now - known.Since < Hour ? known : (Since: now, Taken: 0);
            // One beyond the bound is told from the first one.
            hour.Taken = Math.Min(hour.Taken + 1, MostInAnHour + 2);
            return _hours[product] = hour;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The dialect key of {Product} has taken in {Most} devices within an hour; more are refused until that is over. "
            + "If nobody expects so many, make a new key ('ota product dialects').")]
        public static partial void Closed(ILogger logger, string product, int most);
    }
}
