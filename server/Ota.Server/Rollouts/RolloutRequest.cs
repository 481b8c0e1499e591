using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Deployments;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Signing;

namespace Ota.Server.Rollouts;

/// <summary>A rollout as it is asked for; what is left out is usual.</summary>
/// <param name="At">Local time in <paramref name="Zone"/>, like <c>2026-12-01T02:00</c>.</param>
/// <param name="Deadline">Seconds.</param>
public sealed record NewRollout(
    string? Product = null,
    string? Version = null,
    string? Where = null,
    string? Hardware = null,
    IReadOnlyList<string?>? Waves = null,
    string? At = null,
    string? Zone = null,
    string? Window = null,
    int? Rate = null,
    string? OnStop = null,
    long? Deadline = null)
{
    // Not among the parameters: a JsonElement that is left out has no JSON, and the description of the API would fail on that default.

    /// <summary>A text; null for by hand.</summary>
    public JsonElement Advance { get; init; }

    /// <summary>A text; null for never.</summary>
    public JsonElement Stop { get; init; }
}

/// <summary>Why a person does something to a rollout.</summary>
public sealed record RolloutReason(string? Reason);

/// <summary>A rollout that may be started.</summary>
/// <param name="Rollout">Without an id.</param>
/// <param name="Images">SHA-256 of what it is to bring.</param>
internal sealed record AskedRollout(Rollout Rollout, IReadOnlyCollection<string> Images);

/// <summary>Reads what is asked for.</summary>
internal static class RolloutRequest
{
    public const string UsualAdvance = "confirmed >= 95% and soaked 1h";
    public const string UsualStop = "failed+reverted > 5%";
    private const string TimeFormat = "yyyy-MM-ddTHH:mm";

    /// <summary>What may be started; null and what is wrong.</summary>
    public static AskedRollout? Read(
        NewRollout asked, ProductCatalog products, ReleaseCatalog releases, DateTimeOffset now, string who, out ProblemHttpResult? problem)
    {
        if (products.Find(asked.Product) is not { } product)
        {
            problem = Problems.NotFound("product", asked.Product);
            return null;
        }

        if (DeploymentEndpoints.Deployable(product, asked.Version, asked.Hardware, releases, out problem) is not { } builds)
            return null;
        if (builds.FirstOrDefault(build => build.Image.Deleted is not null) is { } gone)
        {
            problem = DeploymentEndpoints.ImageDeleted(gone);
            return null;
        }

        if (ReadPlan(asked, out var fault) is { } plan && ReadStart(asked, now, out fault) is { } starts)
        {
            now = DateTimeOffset.FromUnixTimeMilliseconds(now.ToUnixTimeMilliseconds());
            var rollout = new Rollout(
                0, product.Name, asked.Version!, asked.Hardware, RolloutTarget.All, Group: null,
                asked.At is null ? RolloutState.Active : RolloutState.Scheduled, now, who, Ended: null)
            {
                Plan = plan,
                Wave = asked.At is null ? 1 : 0,
                Starts = starts,
            };
            return new AskedRollout(rollout, [.. builds.Select(build => build.Image.Sha256)]);
        }

        problem = Problems.Invalid(fault);
        return null;
    }

    /// <summary>The plan with what is usual in it; null and what is wrong.</summary>
    public static RolloutPlan? ReadPlan(NewRollout asked, out string fault)
    {
        if (!TryText(asked.Advance, asked.Waves is { Count: > 1 } ? UsualAdvance : null, out var advance)
            || !TryText(asked.Stop, UsualStop, out var stop))
        {
            fault = "advance and stop are texts, or null.";
            return null;
        }

        return RolloutPlan.Read(
            new PlanText(
                asked.Where, asked.Waves ?? ["100%"], asked.Window, asked.Rate, advance, stop, asked.OnStop ?? "pause", asked.Deadline),
            out fault);
    }

    private static DateTimeOffset? ReadStart(NewRollout asked, DateTimeOffset now, out string fault)
    {
        if (ZonedTime.Find(asked.Zone ?? "UTC", out fault) is not { } zone)
            return null;
        if (asked.At is null)
            return now;
        if (!DateTime.TryParseExact(asked.At, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out var local))
        {
            fault = $"at '{Filters.FilterTokens.Shown(asked.At)}' is not a local time like 2026-12-01T02:00.";
            return null;
        }

        var starts = ZonedTime.Instant(zone, local).ToUniversalTime();
        if (starts > now && starts < now.AddYears(2))
            return starts;
        var what = starts > now ? "more than two years ahead" : "past";
        fault = FormattableString.Invariant($"at {asked.At} in {zone.Id} is {starts:yyyy-MM-ddTHH:mm}Z, which is {what}.");
        return null;
    }

    private static bool TryText(JsonElement asked, string? usual, out string? text)
    {
        text = asked.ValueKind switch
        {
            JsonValueKind.Undefined => usual,
            JsonValueKind.String => asked.GetString(),
            _ => null,
        };
        return asked.ValueKind is JsonValueKind.Undefined or JsonValueKind.String or JsonValueKind.Null;
    }
}
