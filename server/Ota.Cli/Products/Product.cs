using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Products;

internal sealed record ProductKey(string Id, string Pem);

/// <param name="WeakerThan">dBm.</param>
internal sealed record SignalPolicy(int WeakerThan, int Days);

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
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? EnrollmentKey)
{
    public void Facts(Screen screen) => screen.Facts(
        ("Product", new Cell(Name, Tone.Strong)),
        ("Hardware", string.Join(", ", Hardware)),
        ("Release keys", string.Join(", ", ReleaseKeys.Select(key => key.Id))),
        ("Asks", Poll),
        ("Waits", Signal is null ? "" : $"below {Signal.WeakerThan} dBm for a better signal, {Signal.Days} days at most"),
        ("Follows", Follow is null ? "" : $"channel {Follow.Channel}: each new release starts a rollout by itself"),
        ("Added", When.Exact(Created)));
}

internal static class ProductCalls
{
    public static Task<Product> ProductAsync(this OtaApi api, string product, CancellationToken cancellation) =>
        api.GetAsync<Product>(ApiPath.Of($"products/{product}"), cancellation);
}
