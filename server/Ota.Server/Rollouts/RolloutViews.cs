using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;

namespace Ota.Server.Rollouts;

/// <summary>A rollout as staff see it.</summary>
/// <param name="Wave">The open one, counted from 1; 0 before the start.</param>
/// <param name="Silent">Deployments past the deadline that have not come to an end.</param>
/// <param name="Held">
/// Of the devices it is for that it has given nothing: how many it leaves as they are, by reason. Empty in the answer to its start.
/// </param>
/// <param name="Devices">How many it is for, now; once it is over, how many it had something for. Null in the answer to its start.</param>
public sealed record RolloutView(
    long Id,
    string Product,
    string Version,
    string? Hardware,
    string? Where,
    string Target,
    string State,
    string? StateReason,
    DateTimeOffset Created,
    string CreatedBy,
    DateTimeOffset Starts,
    DateTimeOffset? Ended,
    int Wave,
    IReadOnlyList<WaveView> Waves,
    string? Window,
    int? Rate,
    string? Advance,
    string? Stop,
    string OnStop,
    long? Deadline,
    IReadOnlyDictionary<string, long> Deployments,
    long Silent,
    IReadOnlyDictionary<string, long> Held,
    long? Devices);

/// <param name="Opened">Null while it is not.</param>
/// <param name="Devices">How many devices come into it that no wave before it lets in, as far as that can be told. Null in the answer to its start.</param>
public sealed record WaveView(int Number, string UpTo, DateTimeOffset? Opened, long? Devices, IReadOnlyDictionary<string, long> Deployments);

/// <summary>What a rollout would do.</summary>
/// <param name="Held">How many devices it would leave as they are, by reason, once all waves are open.</param>
public sealed record RolloutPlanView(
    string Product,
    string Version,
    long Devices,
    IReadOnlyList<PlannedWave> Waves,
    IReadOnlyDictionary<string, long> Held,
    DateTimeOffset Starts,
    IReadOnlyList<string> Warnings);

public sealed record PlannedWave(int Number, string UpTo, long Devices);

/// <summary>Rollouts as staff see them.</summary>
internal sealed class RolloutViews(
    RolloutBoard board, RolloutChoices choices, ProductCatalog products, Fleet fleet, Database database, TimeProvider time)
{
    public RolloutView Of(Rollout rollout)
    {
        return Of(rollout, IsCounted(rollout) ? Count(rollout, time.GetUtcNow()) : RolloutCensus.Nobody(rollout.Plan.Waves.Count));
    }

    // Every device would have to be looked at, and it has nothing for any.
    private bool IsCounted(Rollout rollout) => !rollout.IsOver && !IsCovered(rollout);

    /// <summary>As it was started: without a look at the devices, as there may be a million.</summary>
    public RolloutView Started(Rollout rollout)
    {
        var view = Of(rollout, RolloutCensus.Nobody(rollout.Plan.Waves.Count));
        return view with { Devices = null, Waves = [.. view.Waves.Select(wave => wave with { Devices = null })] };
    }

    private RolloutView Of(Rollout rollout, RolloutCensus counted)
    {
        var now = time.GetUtcNow();
        var (counts, opened) = database.Read(connection => (
            RolloutProgress.Counts(connection, rollout, now), RolloutTable.Opened(connection, rollout.Id)));
        if (rollout.State == RolloutState.Returning)
            CountReturn(rollout, counted.Held);
        if (counts.Sum(count => count.Deferred) is > 0 and var deferred)
            counted.Held[RolloutWords.Of(RolloutHold.WeakSignal)] = deferred;
        // What it has nothing more for is not looked at; there it is what it had been for.
        var isCounted = IsCounted(rollout);
        return new RolloutView(
            rollout.Id,
            rollout.Product,
            rollout.Version,
            rollout.Hardware,
            rollout.Plan.Where?.ToString(),
            rollout.Group is null ? RolloutWords.Of(rollout.Target) : "group " + rollout.Group,
            rollout.State == RolloutState.Active && IsCovered(rollout) ? "superseded" : RolloutWords.Of(rollout.State),
            rollout.StateReason,
            rollout.Created,
            rollout.CreatedBy,
            rollout.Starts,
            rollout.Ended,
            rollout.Wave,
            [
                .. rollout.Plan.Waves.All.Select((wave, i) => new WaveView(
                    i + 1,
                    wave.UpTo,
                    opened.TryGetValue(i + 1, out var at) ? at : i < rollout.Wave ? rollout.Created : null,
                    isCounted ? counted.ByWave[i] : Reached(counts.Where(count => (count.Wave ?? 1) == i + 1)),
                    ByState(counts.Where(count => count.Purpose != "return" && (count.Wave ?? 1) == i + 1)))),
            ],
            rollout.Plan.Window?.Text,
            rollout.Plan.Rate,
            rollout.Plan.Advance?.Text,
            rollout.Plan.Stop?.Text,
            rollout.Plan.OnStop == OnStop.Return ? "return" : "pause",
            rollout.Plan.Text.Deadline,
            ByState(counts),
            counts.Where(count => count.Purpose != "return").Sum(count => count.Silent),
            counted.Held,
            isCounted ? counted.Devices : Reached(counts));
    }

    /// <summary>What a rollout would do if it were started now and all its waves were open; changes nothing.</summary>
    public RolloutPlanView Plan(Rollout rollout)
    {
        var product = products.Find(rollout.Product)!;
        // The number it would get if it were started now, so that the waves are those devices.
        var next = rollout with
        {
            Id = database.Read(connection => Counters.Last(connection, Counters.Instruction)) + 1,
            State = RolloutState.Active,
            Wave = rollout.Plan.Waves.Count,
        };
        var counted = Count(next with { Plan = next.Plan with { Window = null, Rate = null } }, time.GetUtcNow());
        return new RolloutPlanView(
            rollout.Product,
            rollout.Version,
            counted.Devices,
            [.. rollout.Plan.Waves.All.Select((wave, i) => new PlannedWave(i + 1, wave.UpTo, counted.ByWave[i]))],
            counted.Held,
            rollout.Starts,
            [.. RolloutWarnings.Of(rollout, product, counted)]);
    }

    // Looks at every device once.
    private RolloutCensus Count(Rollout rollout, DateTimeOffset now)
    {
        var product = products.Find(rollout.Product)!;
        var census = RolloutCensus.Nobody(rollout.Plan.Waves.Count);
        foreach (var device in fleet.All.Where(device => IsFor(rollout, device, product, now)))
            census.Add(rollout, device, rollout.Id > device.Instruction ? choices.Decide(rollout, Asking.Of(device, product, now)) : null);
        return census.Settled(rollout.Plan.Waves);
    }

    // A filter is asked last: of a million devices most rollouts ask nothing more.
    private static bool IsFor(Rollout rollout, Device device, Product product, DateTimeOffset now) =>
        device.Decommissioned is null
        && RolloutPolicy.IsFor(rollout, device)
        && (rollout.Plan.Where is null || RolloutChoices.Matches(rollout, Asking.Of(device, product, now)));

    // Of those that got it, who cannot be brought back.
    private void CountReturn(Rollout rollout, SortedDictionary<string, long> held)
    {
        var product = products.Find(rollout.Product)!;
        held.Clear();
        foreach (var row in database.Read(connection => RolloutProgress.ToReturn(connection, rollout.Id)))
        {
            var standing = new Standing { Floor = (int)row.Floor };
            if (RolloutPolicy.DecideReturn(standing, choices.Before(product, row.Before)).Held is { } reason)
                held[RolloutWords.Of(reason)] = held.GetValueOrDefault(RolloutWords.Of(reason)) + row.Devices;
        }
    }

    private bool IsCovered(Rollout rollout) =>
        rollout.IsOpen && Builds(rollout) is var builds
        && board.Of(rollout.Product).LatestFirst.Any(later => RolloutPolicy.Supersedes(later, rollout, builds, Builds(later)));

    private static long Reached(IEnumerable<RolloutCount> counts) => counts.Where(count => count.Purpose == "target").Sum(count => count.Count);

    // Those that bring a device back have words of their own.
    private static Dictionary<string, long> ByState(IEnumerable<RolloutCount> counts) =>
        counts.GroupBy(count => count.Purpose != "return" || count.State == "assumed" ? count.State
                : count.State == "confirmed" ? "returned"
                : count.State is "reverted" or "refused" or "failed" or "cancelled" or "withdrawn" or "superseded" or "expired" ? "not-returned"
                : "returning")
            .OrderBy(group => group.Key, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Sum(count => count.Count));

    private Release[] Builds(Rollout rollout) => choices.Builds(products.Find(rollout.Product)!, rollout.Version, rollout.Hardware);
}
