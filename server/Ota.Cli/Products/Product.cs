using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Products;

internal sealed record ProductKey(string Id, string Pem);

/// <param name="WeakerThan">dBm.</param>
internal sealed record SignalPolicy(int WeakerThan, int Days);

/// <param name="Keep">The newest so many releases of each hardware and channel.</param>
internal sealed record ImageRetention(int Keep, int Days);

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
    ImageRetention? Retention,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? EnrollmentKey)
{
    public void Facts(Screen screen) => screen.Facts(
        ("Product", new Cell(Name, Tone.Strong)),
        ("Hardware", string.Join(", ", Hardware)),
        ("Release keys", string.Join(", ", ReleaseKeys.Select(key => key.Id))),
        ("Asks", Poll),
        ("Waits", Signal is null ? "" : $"below {Signal.WeakerThan} dBm for a better signal, {Signal.Days} days at most"),
        ("Images", Retention is null ? "" : $"the newest {Retention.Keep} stay, others go {Retention.Days} days after the last unit needed them"),
        ("Added", When.Exact(Created)));
}

internal static class ProductCalls
{
    public static Task<Product> ProductAsync(this OtaApi api, string product, CancellationToken cancellation) =>
        api.GetAsync<Product>(ApiPath.Of($"products/{product}"), cancellation);
}
