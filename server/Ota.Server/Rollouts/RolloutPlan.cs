using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Rollouts;

/// <summary>What a rollout does when its rule stops it.</summary>
internal enum OnStop
{
    Pause,
    Return,
}

/// <summary>How a rollout goes about it, as it was written; null is none of it. Kept as JSON.</summary>
/// <param name="Rate">Devices that begin in a minute, over all servers.</param>
/// <param name="Deadline">Seconds from the hand-out of an order to the end of its deployment.</param>
internal sealed record PlanText(
    string? Where,
    IReadOnlyList<string?>? Waves,
    string? Window,
    int? Rate,
    string? Advance,
    string? Stop,
    string? OnStop,
    long? Deadline);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PlanText))]
internal sealed partial class PlanJson : JsonSerializerContext;

/// <summary>How a rollout goes about it: read and checked.</summary>
internal sealed record RolloutPlan(
    PlanText Text,
    Filter? Where,
    Waves Waves,
    RolloutWindow? Window,
    int? Rate,
    AdvanceRule? Advance,
    StopRule? Stop,
    OnStop OnStop,
    TimeSpan? Deadline)
{
    private const int HighestRate = 1_000_000;
    private const long ShortestDeadline = 60;
    private const long LongestDeadline = 365 * 86_400;

    /// <summary>One wave of all devices, never stopped: a plain deployment to many.</summary>
    public static RolloutPlan AtOnce { get; } = new(
        new PlanText(null, null, null, null, null, null, null, null), null, Waves.Whole, null, null, null, null, OnStop.Pause, null);

    /// <summary>Whether there is something to decide as it goes; a plain one just goes on.</summary>
    public bool IsWatched => Stop is not null || Advance is not null || Waves.Count > 1;

    public static RolloutPlan? Read(PlanText text, out string fault)
    {
        Filter? where = null;
        if (text.Where is not null && (where = Filter.Parse(text.Where, out var wrong)) is null)
        {
            fault = $"where: {wrong!.Sentence}\n{wrong.Render(text.Where)}";
            return null;
        }

        RolloutWindow? window = null;
        AdvanceRule? advance = null;
        StopRule? stop = null;
        if (Waves.Parse(text.Waves ?? ["100%"], out fault) is not { } waves
            || (text.Window is not null && (window = RolloutWindow.Parse(text.Window, out fault)) is null)
            || (text.Advance is not null && (advance = WaveRuleParser.ReadAdvance(text.Advance, out fault)) is null)
            || (text.Stop is not null && (stop = WaveRuleParser.ReadStop(text.Stop, out fault)) is null))
            return null;
        fault = text switch
        {
            { Rate: < 1 or > HighestRate } => $"rate is 1 to {HighestRate} devices a minute.",
            { OnStop: not (null or "pause" or "return") } => "onStop is pause or return.",
            { Deadline: < ShortestDeadline or > LongestDeadline } =>
                $"deadline is {ShortestDeadline} to {LongestDeadline} seconds.",
            _ => "",
        };
        return fault.Length > 0 ? null : new RolloutPlan(
            text, where, waves, window, text.Rate, advance, stop, text.OnStop == "return" ? OnStop.Return : OnStop.Pause,
            text.Deadline is { } seconds ? TimeSpan.FromSeconds(seconds) : null);
    }

    /// <summary>As it stands in the database; null for the plain one.</summary>
    public string? ToJson() => this == AtOnce ? null : JsonSerializer.Serialize(Text, PlanJson.Default.PlanText);

    public static RolloutPlan FromJson(string? json)
    {
        if (json is null)
            return AtOnce;
        return Read(JsonSerializer.Deserialize(json, PlanJson.Default.PlanText)!, out var fault) ?? throw new InvalidDataException(fault);
    }
}
