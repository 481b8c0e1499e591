namespace Ota.Server.Webhooks;

/// <summary>Decides when a delivery that failed is tried again. Pure: no clock, no chance of its own.</summary>
internal static class DeliveryPolicy
{
    /// <summary>How long an event is tried to be told.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromDays(3);

    private const double FirstSeconds = 10;
    private static readonly TimeSpan Longest = TimeSpan.FromHours(8);

    /// <summary>
    /// When to try again, or null to give up. Ten seconds, doubled up to eight hours, and once more when its life is over.
    /// </summary>
    /// <param name="attempts">Those that failed, at least 1.</param>
    /// <param name="chance">0 to 1; spreads each wait over ±25 %, so that what failed together does not come back together.</param>
    public static DateTimeOffset? Next(long attempts, DateTimeOffset created, DateTimeOffset now, double chance)
    {
        var end = created + Life;
        if (now >= end)
            return null;
        var wait = Math.Min(FirstSeconds * Math.Pow(2, Math.Min(attempts - 1, 30)), Longest.TotalSeconds) * (0.75 + chance / 2);
        var next = now + TimeSpan.FromSeconds(wait);
        return next < end ? next : end;
    }
}
