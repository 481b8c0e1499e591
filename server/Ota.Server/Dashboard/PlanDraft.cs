using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Server.Rollouts;

namespace Ota.Server.Dashboard;

/// <summary>How a rollout goes, as a person fills it in; empty is none.</summary>
public sealed class PlanDraft
{
    private const double DaySeconds = 86_400;
    private static readonly JsonSerializerOptions Written = new(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull };

    public string Where { get; set; } = "";

    public string Hardware { get; set; } = "";

    public string Waves { get; set; } = "5%, 25%, rest";

    public string Advance { get; set; } = RolloutRequest.UsualAdvance;

    public string Stop { get; set; } = RolloutRequest.UsualStop;

    public string OnStop { get; set; } = "pause";

    public string Window { get; set; } = "";

    public double? Days { get; set; } = 14;

    public int? Rate { get; set; }

    /// <summary>As it was asked for.</summary>
    public static PlanDraft Of(NewRollout plan) => new()
    {
        Where = plan.Where ?? "",
        Hardware = plan.Hardware ?? "",
        Waves = plan.Waves is { Count: > 0 } waves ? string.Join(", ", waves) : "100%",
        Advance = Text(plan.Advance, plan.Waves is { Count: > 1 } ? RolloutRequest.UsualAdvance : ""),
        Stop = Text(plan.Stop, RolloutRequest.UsualStop),
        OnStop = plan.OnStop ?? "pause",
        Window = plan.Window ?? "",
        Days = plan.Deadline / DaySeconds,
        Rate = plan.Rate,
    };

    /// <summary>Without what it brings.</summary>
    public NewRollout Asked() => new(
        Where: Filled(Where), Hardware: Filled(Hardware), Waves: Waves.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries),
        Window: Filled(Window), Rate: Rate, OnStop: OnStop, Deadline: Days is { } days ? (long)Math.Round(days * DaySeconds) : null)
    {
        Advance = JsonSerializer.SerializeToElement(Filled(Advance)),
        Stop = JsonSerializer.SerializeToElement(Filled(Stop)),
    };

    /// <summary>As what a channel's releases start by themselves.</summary>
    public JsonElement Following(string channel)
    {
        var plan = JsonSerializer.SerializeToNode(Asked(), Written)!.AsObject();
        plan["channel"] = channel;
        return JsonSerializer.SerializeToElement(plan);
    }

    private static string? Filled(string text) => string.IsNullOrWhiteSpace(text) ? null : text.Trim();

    // Left out is usual, null is never.
    private static string Text(JsonElement asked, string usual) => asked.ValueKind switch
    {
        JsonValueKind.Undefined => usual,
        JsonValueKind.String => asked.GetString()!,
        _ => "",
    };
}
