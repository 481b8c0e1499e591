namespace Ota.Server.Rollouts;

/// <summary>What of a wave's deployments ended badly, or is silent.</summary>
internal readonly record struct WaveFaults(long Failed, long Refused, long Reverted, long Silent, long Alerts);

/// <summary>What has come of one wave.</summary>
/// <param name="Given">Deployments whose order was handed out and that nobody called off: what shares are of.</param>
/// <param name="Faults">Those since somebody last resumed the rollout although it had stopped itself.</param>
/// <param name="LastConfirmed">Null when none was.</param>
internal sealed record WaveProgress(int Number, long Given, long Confirmed, WaveFaults Faults, DateTimeOffset? LastConfirmed)
{
    /// <summary>All that are silent, forgiven or not.</summary>
    public long Silent { get; init; } = Faults.Silent;

    public static WaveProgress Nothing(int number) => new(number, 0, 0, default, null);

    public long Count(WaveCount counts) =>
        (counts.HasFlag(WaveCount.Confirmed) ? Confirmed : 0)
        + (counts.HasFlag(WaveCount.Failed) ? Faults.Failed : 0)
        + (counts.HasFlag(WaveCount.Refused) ? Faults.Refused : 0)
        + (counts.HasFlag(WaveCount.Reverted) ? Faults.Reverted : 0)
        + (counts.HasFlag(WaveCount.Silent) ? Faults.Silent : 0)
        + (counts.HasFlag(WaveCount.Alerts) ? Faults.Alerts : 0);
}

/// <summary>Devices that a rollout is for, that run something else, could take it and have not begun.</summary>
/// <param name="InWave">Those whom the open wave lets in; no more are counted than the stop rule asks for.</param>
/// <param name="Begun">Beside them, those that have begun and have not come to an end; the silent apart.</param>
internal readonly record struct WaveLeft(long InWave, long InAll, long Begun);

internal enum WaveStep
{
    Stay,
    OpenNext,
    Stop,
    Complete,
}

internal sealed record WaveDecision(WaveStep Step, string? Reason);

/// <summary>Whether a rollout goes on to its next wave, stops itself, or has come to its end. Pure.</summary>
internal static class WavePolicy
{
    /// <summary>The first arm that matches wins; docs/states.md has the same table.</summary>
    /// <param name="wave">The open one, counted from 1.</param>
    /// <param name="progress">Of each wave so far, in order.</param>
    /// <param name="changed">When it was opened, or the rollout resumed.</param>
    /// <param name="left">Asked only where it matters, for every device is looked at.</param>
    public static WaveDecision Decide(
        RolloutPlan plan, int wave, IReadOnlyList<WaveProgress> progress, DateTimeOffset changed, Lazy<WaveLeft> left, DateTimeOffset now)
    {
        var current = progress.FirstOrDefault(one => one.Number == wave) ?? WaveProgress.Nothing(wave);
        return progress switch
        {
            _ when Stops(plan.Stop, progress, left) is { } reason => new(WaveStep.Stop, reason),
            _ when wave < plan.Waves.Count && plan.Advance is null => Stay,
            // Nobody is in it, as in the first percent of ten devices: nothing to wait for.
            _ when current.Given == 0 && wave < plan.Waves.Count => left.Value is { InWave: 0, InAll: > 0 } ? new(WaveStep.OpenNext, null) : Stay,
            _ when current.Given > 0 && !Advances(plan.Advance, current, changed, now) => Stay,
            _ when wave < plan.Waves.Count => new(WaveStep.OpenNext, null),
            // One that is for nobody yet has proved nothing; who comes is watched.
            _ when plan.IsWatched && progress.Any(one => one.Given > 0) && left.Value is { InWave: 0, Begun: 0 } => new(WaveStep.Complete, null),
            _ => Stay,
        };
    }

    private static WaveDecision Stay { get; } = new(WaveStep.Stay, null);

    private static bool Advances(AdvanceRule? rule, WaveProgress wave, DateTimeOffset changed, DateTimeOffset now) =>
        rule is null
        || (rule.Terms.All(term => term.Holds(wave.Count(term.Counts), wave.Given))
            && now - (wave.LastConfirmed > changed ? wave.LastConfirmed.Value : changed) >= rule.Soak);

    // Each wave by itself: many good ones in a later wave do not hide the bad ones of an earlier.
    private static string? Stops(StopRule? rule, IReadOnlyList<WaveProgress> progress, Lazy<WaveLeft> left) =>
        rule is null ? null
        : (from wave in progress
           from term in rule.Terms
           let count = wave.Count(term.Counts)
           where count > 0 && term.Holds(count, wave.Given) && term.Holds(count, Of(term, wave, wave == progress[^1] ? left : null))
           select $"wave {wave.Number}: {term.Text} ({count} of {wave.Given})").FirstOrDefault();

    // A share speaks of at least as many devices as make it one device, 50 for 2 %, unless the wave has fewer: the first failure of a large wave
    // says nothing about its share, and the second says enough.
    private static long Of(WaveTerm term, WaveProgress wave, Lazy<WaveLeft>? left) =>
        wave.Given >= term.Least ? wave.Given : Math.Min(term.Least, wave.Given + (left?.Value.InWave ?? 0));
}
