namespace Ota.Server.Products;

/// <summary>
/// A product's patience with a weak signal: a download that would crawl, break off and start again waits for a better hour, but not for ever.
/// </summary>
/// <param name="WeakerThan">dBm, −100 to −40; at this signal and better nothing waits.</param>
/// <param name="Days">1 to 30, from the first time it waited.</param>
public sealed record SignalPolicy(int WeakerThan, int Days)
{
    /// <summary>Until the device asks again while its download waits.</summary>
    public static readonly TimeSpan AskAgain = TimeSpan.FromHours(1);

    /// <summary>True when a download had better wait. A signal that nobody knows (0) is no reason to. Pure.</summary>
    public static bool Waits(SignalPolicy? policy, int rssi, DateTimeOffset? since, DateTimeOffset now) =>
        policy is not null && rssi != 0 && rssi < policy.WeakerThan && (since is null || now - since < TimeSpan.FromDays(policy.Days));

    /// <summary>What is wrong with it, or null.</summary>
    public string? Fault() =>
        WeakerThan is < -100 or > -40 ? "weakerThan is a signal from -100 to -40 dBm."
        : Days is < 1 or > 30 ? "days is 1 to 30."
        : null;
}
