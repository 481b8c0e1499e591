using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ota.Cli.Rollouts;

/// <summary>How a rollout is to go. What is null is left to the server.</summary>
internal record RolloutPlan
{
    /// <summary>A filter (docs/filters.md); null for every device of the product.</summary>
    public string? Where { get; init; }
    public string? Hardware { get; init; }

    /// <summary>Shares like <c>10%</c>, or counts like <c>50</c>, up to <c>100%</c> or <c>rest</c>.</summary>
    public IReadOnlyList<string>? Waves { get; init; }

    /// <summary>Local time in <see cref="Zone"/>, <c>2026-12-01T02:00</c>; null for at once.</summary>
    public string? At { get; init; }

    /// <summary>IANA name.</summary>
    public string? Zone { get; init; }

    /// <summary>Of each device's own day, <c>01:00-05:00</c>.</summary>
    public string? Window { get; init; }

    /// <summary>Devices that may begin in a minute.</summary>
    public int? Rate { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Rule? Advance { get; init; }

    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public Rule? Stop { get; init; }

    /// <summary><c>pause</c> or <c>return</c>.</summary>
    public string? OnStop { get; init; }

    /// <summary>Seconds.</summary>
    public long? Deadline { get; init; }
}

/// <summary>A rollout to start or to look at beforehand.</summary>
internal sealed record NewRollout : RolloutPlan
{
    public NewRollout(string product, string version, RolloutPlan plan)
        : base(plan) =>
        (Product, Version) = (product, version);

    public string Product { get; }

    public string Version { get; }
}

/// <summary>When something happens by itself; without a text, never. That is not the same as leaving it to the server.</summary>
[JsonConverter(typeof(RuleConverter))]
internal sealed record Rule(string? Text);

internal sealed class RuleConverter : JsonConverter<Rule>
{
    public override bool HandleNull => true;

    public override Rule Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => new(reader.GetString());

    public override void Write(Utf8JsonWriter writer, Rule value, JsonSerializerOptions options) => writer.WriteStringValue(value.Text);
}

/// <summary>What a rollout would do if it were started now.</summary>
/// <param name="Devices">That match now.</param>
/// <param name="Held">Devices that would have to wait, by reason.</param>
internal sealed record RolloutPreview(
    string Product,
    string Version,
    long Devices,
    IReadOnlyList<PreviewedWave> Waves,
    IReadOnlyDictionary<string, long> Held,
    DateTimeOffset? Starts,
    IReadOnlyList<string> Warnings);

/// <param name="Number">From 1.</param>
/// <param name="Devices">That come with this wave, without those of the waves before.</param>
internal sealed record PreviewedWave(int Number, string UpTo, long Devices);
