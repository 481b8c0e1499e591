using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;

namespace Ota.Server.Rollouts;

/// <summary>The devices a rollout is for, counted.</summary>
internal sealed class RolloutCensus(int waves)
{
    public static RolloutCensus Nobody(int waves) => new(waves);

    public long Devices { get; private set; }

    /// <summary>By the wave they come into.</summary>
    public long[] ByWave { get; } = new long[waves];

    /// <summary>By reason.</summary>
    public SortedDictionary<string, long> Held { get; } = new(StringComparer.Ordinal);

    /// <param name="decision">Null for a device that the rollout has given something, or that was told something else since.</param>
    public void Add(Rollout rollout, Device device, RolloutDecision? decision)
    {
        Devices++;
        var share = Waves.ShareOf(rollout.Id, device.Id);
        for (var i = 0; i < ByWave.Length; i++)
        {
            if (rollout.Plan.Waves.All[i].Share is { } most && share < most)
            {
                ByWave[i]++;
                break;
            }
        }

        var reason = decision switch
        {
            null => null,
            { Held: { } held } => RolloutWords.Of(held),
            { IsSkip: true } => RolloutWords.Of(RolloutHold.UpToDate),
            { Purpose: DeploymentPurpose.Step } => RolloutWords.Of(RolloutHold.NeedsStep),
            _ => null,
        };
        if (reason is not null)
            Held[reason] = Held.GetValueOrDefault(reason) + 1;
    }

    /// <summary>Waves by numbers take who asks first: of each its number of places, as far as there are devices.</summary>
    public RolloutCensus Settled(Waves waves)
    {
        var before = 0L;
        for (var i = 0; i < ByWave.Length; i++)
        {
            if (waves.All[i].Count is not null || before > 0)
            {
                var upTo = Math.Min(waves.All[i].Count ?? Devices, Devices);
                ByWave[i] = upTo - before;
                before = upTo;
            }
        }

        return this;
    }
}

/// <summary>What a person had better know before a rollout starts. Pure.</summary>
internal static class RolloutWarnings
{
    public static IEnumerable<string> Of(Rollout rollout, Product product, RolloutCensus census)
    {
        var plan = rollout.Plan;
        if (census.Devices == 0)
            yield return "It is for no device now.";
        for (var i = 0; i < census.ByWave.Length - 1 && census.Devices > 0; i++)
        {
            if (census.ByWave[i] == 0)
                yield return $"Wave {i + 1} ({plan.Waves.All[i].UpTo}) has no device in it; it proves nothing.";
        }

        if (plan.Advance is { } advance && plan.Waves.Count > 1 && advance.Soak < product.Poll.Interval)
        {
            yield return $"It soaks for less than the pause between two check-ins ({product.Poll.Text}): a wave may be judged by the few "
                + "devices that asked by then.";
        }

        if (plan.Deadline is null && plan.Stop is not null)
        {
            yield return "Without a deadline a device that is never heard again is neither failed nor silent; it only keeps the next wave "
                + "from opening.";
        }

        if (plan.Rate is { } rate && census.Devices / rate > 7 * 1440)
            yield return $"At {rate} a minute, {census.Devices} devices take more than a week.";
        if (!plan.Waves.IsWhole)
            yield return $"Its last wave is {plan.Waves.All[^1].UpTo}; the other devices keep what they run.";
    }
}
