using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Deployments;

/// <summary>The plan behind deployments, with counts by deployment state.</summary>
internal sealed record Rollout
{
    [JsonConverter(typeof(OpaqueIdConverter))]
    public required string Id { get; init; }
    public required string Product { get; init; }
    public required string Version { get; init; }
    public string? Hardware { get; init; }
    public string? Target { get; init; }
    public string? State { get; init; }
    public DateTimeOffset? Created { get; init; }
    public string? CreatedBy { get; init; }
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How many deployments are in each state; a device that has not asked yet is in none.</summary>
    public IReadOnlyDictionary<string, long> Deployments { get; init; } = new Dictionary<string, long>();

    public void Facts(Screen screen, DateTimeOffset now) => screen.Facts(
    [
        ("Rollout", Id),
        ("Release", new Cell($"{Product} {Version}", Tone.Strong)),
        ("Hardware", Hardware),
        ("Target", Target),
        ("State", Cell.State(State)),
        ("Started", Created is null ? "" : $"{When.Both(Created, now)} by {CreatedBy}"),
        ("Ended", When.Both(Ended, now)),
        .. Deployments.Select(count => ("… " + count.Key, new Cell($"{count.Value:N0}", Cell.State(count.Key).Tone))),
    ]);

    public string Summary() =>
        string.Join(", ", Deployments.Where(count => count.Value > 0).Select(count => $"{count.Value:N0} {count.Key}"));
}
