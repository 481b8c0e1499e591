using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Products;

internal sealed record ProductKey(string Id, string Pem);

/// <param name="WeakerThan">dBm.</param>
internal sealed record SignalPolicy(int WeakerThan, int Days);

/// <param name="Keep">The newest so many releases of each hardware and channel.</param>
internal sealed record ImageRetention(int Keep, int Days);

/// <summary>Under which numbers a product's system pins are found.</summary>
internal sealed record SystemPins(int CheckNow, int Status, int Version, int RestartCause, int Rssi)
{
    public override string ToString() => $"check-now {CheckNow}, status {Status}, version {Version}, restart-cause {RestartCause}, rssi {Rssi}";
}

/// <summary>Which devices with other updaters than ours a product takes.</summary>
/// <param name="Least">What they must check at least; null for all.</param>
internal sealed record DialectRules(bool Enrolls, string? Least)
{
    public override string ToString() => (Enrolls ? "enroll by key" : "") + (Least is null ? "" : (Enrolls ? ", " : "") + $"check {Least} at least");
}

internal sealed record DialectsChange(DialectRules? Dialects);

/// <param name="Pins">Null for the usual ones.</param>
internal sealed record PinsChange(SystemPins? Pins);

internal sealed record PollChange(string Poll);

internal sealed record RetentionChange(ImageRetention? Retention);

internal sealed record SignalChange(SignalPolicy? Signal);

/// <param name="EnrollmentKey">For developers only; what the factory puts into a device.</param>
internal sealed record Product(
    string Name,
    IReadOnlyList<string> Hardware,
    IReadOnlyList<ProductKey> ReleaseKeys,
    int KeyCounter,
    string Poll,
    DateTimeOffset? Created,
    SignalPolicy? Signal,
    Followed? Follow,
    ImageRetention? Retention,
    SystemPins? Pins,
    string? BlynkCloud,
    DialectRules? Dialects,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? DialectKey,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? EnrollmentKey)
{
    public void Facts(Screen screen) => screen.Facts(
        ("Product", new Cell(Name, Tone.Strong)),
        ("Hardware", string.Join(", ", Hardware)),
        ("Release keys", string.Join(", ", ReleaseKeys.Select(key => key.Id))),
        ("Asks", Poll),
        ("Waits", Signal is null ? "" : $"below {Signal.WeakerThan} dBm for a better signal, {Signal.Days} days at most"),
        ("Follows", Follow is null ? "" : $"channel {Follow.Channel}: each new release starts a rollout by itself"),
        ("Images", Retention is null ? "" : $"the newest {Retention.Keep} stay, others go {Retention.Days} days after the last unit needed them"),
        ("Pins", Pins?.ToString()),
        ("Blynk cloud", BlynkCloud),
        ("Other updaters", Dialects?.ToString()),
        ("Added", When.Exact(Created)));
}

internal static class ProductCalls
{
    public static Task<Product> ProductAsync(this OtaApi api, string product, CancellationToken cancellation) =>
        api.GetAsync<Product>(ApiPath.Of($"products/{product}"), cancellation);
}
