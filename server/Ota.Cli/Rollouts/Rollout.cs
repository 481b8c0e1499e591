using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Rollouts;

/// <summary>The plan behind deployments and how far it has come.</summary>
internal sealed record Rollout
{
    [JsonConverter(typeof(OpaqueIdConverter))]
    public required string Id { get; init; }
    public required string Product { get; init; }
    public required string Version { get; init; }
    public string? Hardware { get; init; }
    public string? Where { get; init; }
    public string? Target { get; init; }
    public string? State { get; init; }

    /// <summary>Why it is in that state, e.g. what made it stop.</summary>
    public string? StateReason { get; init; }
    public DateTimeOffset? Created { get; init; }
    public string? CreatedBy { get; init; }
    public DateTimeOffset? Starts { get; init; }
    public DateTimeOffset? Ended { get; init; }

    /// <summary>Number of the open wave; 0 before the start.</summary>
    public int Wave { get; init; }
    public IReadOnlyList<RolloutWave> Waves { get; init; } = [];
    public string? Window { get; init; }

    /// <summary>Devices that begin in a minute.</summary>
    public int? Rate { get; init; }

    /// <summary>When the next wave opens by itself; null for by hand.</summary>
    public string? Advance { get; init; }

    /// <summary>When it stops by itself; null for never.</summary>
    public string? Stop { get; init; }
    public string? OnStop { get; init; }

    /// <summary>Seconds from when a device was told until it counts as silent.</summary>
    public long? Deadline { get; init; }

    /// <summary>How many deployments are in each state; a device that has not asked yet is in none.</summary>
    public IReadOnlyDictionary<string, long> Deployments { get; init; } = new Dictionary<string, long>();

    /// <summary>Devices past the deadline that are not done.</summary>
    public long? Silent { get; init; }

    /// <summary>Devices that wait, by reason.</summary>
    public IReadOnlyDictionary<string, long> Held { get; init; } = new Dictionary<string, long>();

    /// <summary>Devices that match now.</summary>
    public long? Devices { get; init; }

    /// <summary>Whom it is for, in one cell.</summary>
    public string? For => Where ?? Target;

    public void Facts(Screen screen, DateTimeOffset now) => screen.Facts(
    [
        ("Rollout", Id),
        ("Release", new Cell($"{Product} {Version}", Tone.Strong)),
        ("Hardware", Hardware),
        ("For", For),
        ("State", Cell.State(State)),
        ("Because", StateReason),
        ("Asked for", Created is null ? "" : $"{When.Both(Created, now)} by {CreatedBy}"),
        ("Starts", Starts > now ? When.Both(Starts, now) : ""),
        ("Ended", When.Both(Ended, now)),
        ("Waves", Waves.Count > 1 ? $"{string.Join(", ", Waves.Select(wave => wave.UpTo))}; {(Wave == 0 ? "none" : $"wave {Wave}")} is open" : ""),
        ("Advances", Waves.Count > 1 ? Advance is null ? "by hand" : $"when {Advance}" : ""),
        ("Stops", Stop is null ? "" : $"when {Stop}{(OnStop == "return" ? ", and brings devices back" : "")}"),
        ("Window", Window),
        ("Rate", Rate is null ? "" : $"{Rate}/min"),
        ("Deadline", Deadline is { } seconds ? When.Length(TimeSpan.FromSeconds(seconds)) : ""),
        ("Deployments", Summary()),
    ]);

    public string Summary() => Counts.Of(Deployments);
}

/// <param name="Number">From 1.</param>
/// <param name="UpTo">As it was planned: <c>10%</c>, <c>50</c> or <c>rest</c>.</param>
/// <param name="Devices">That come with this wave, without those of the waves before.</param>
internal sealed record RolloutWave(
    int Number,
    [property: JsonConverter(typeof(OpaqueIdConverter))] string? UpTo,
    DateTimeOffset? Opened,
    long? Devices,
    IReadOnlyDictionary<string, long>? Deployments);

internal static class Counts
{
    /// <summary><c>18 confirmed, 2 reverted</c>; empty for none.</summary>
    public static string Of(IReadOnlyDictionary<string, long>? counts) =>
        counts is null ? "" : string.Join(", ", counts.Where(count => count.Value > 0).Select(count => $"{count.Value:N0} {count.Key}"));
}
