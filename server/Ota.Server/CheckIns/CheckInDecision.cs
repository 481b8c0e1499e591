using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts;

namespace Ota.Server.CheckIns;

/// <summary>The answer to a check-in: an order with what it needs, or nothing, and when to ask again.</summary>
/// <param name="IsGone">True for a device whose identity ends: its order comes with 410.</param>
internal sealed record CheckInDecision(Order? Order, string? Statement, string? Image, TimeSpan RetryAfter, bool IsGone = false)
{
    /// <summary>What is handed to a client that knows no orders; null when nothing is.</summary>
    public Release? HandsOut { get; init; }

    /// <summary>The deployment that it belongs to.</summary>
    public Deployment? Deployment { get; init; }
}

/// <summary>Whether a check-in can be answered from memory alone. Pure.</summary>
internal static class CheckInPolicy
{
    /// <summary>
    /// True when a check-in tells nothing that must be on disk before it is answered: the device runs what it ran and has not started anew.
    /// Whether there is something for it is another question.
    /// </summary>
    public static bool TellsNothingNew(Device device, CheckIn checkIn, Product product) =>
        device is { CheckedIn: true, Decommissioned: null, Heard.CheckIn: var last }
        && checkIn.LastOrder <= device.OrderNumber
        && checkIn.KeyCounter >= product.KeyCounter
        && checkIn.ToldImage == device.ToldImage
        && device.ChecksTooLittle(product) == device.ShutOut
        && checkIn.Slot == last.Slot
        && checkIn.SecurityCounter == last.SecurityCounter
        && checkIn.Restart.Count == last.Restart.Count
        && checkIn.Release == last.Release
        && checkIn.Running == last.Running;

    /// <summary>
    /// True when an open deployment is left as it is: its rollout holds, and the check-in comes from what the device ran before it.
    /// </summary>
    /// <param name="release">What it installs; null when that is gone.</param>
    public static bool Waits(Deployment open, CheckIn checkIn, Rollout? rollout, Release? release) =>
        rollout is { IsHeld: true }
        && open is { Action: DeploymentAction.Install, State: < DeploymentState.Trial }
        && release is { Withdrawn: null }
        && checkIn.Slot == SlotState.Confirmed
        && checkIn.Release != open.Release;

    /// <summary>What staff should read in the timeline, from one check-in to the next.</summary>
    public static IEnumerable<(string Kind, string Text)> News(CheckIn? last, CheckIn now)
    {
        if (last is not null && last.Restart.Count != now.Restart.Count)
        {
            yield return ("restarted", now.Rssi == 0
                ? $"Restarted ({now.Restart.Cause}), start {now.Restart.Count}"
                : $"Restarted ({now.Restart.Cause}), start {now.Restart.Count}, signal {now.Rssi} dBm");
        }

        var slot = now.Slot == SlotState.Trial ? ", on trial" : "";
        if (last is null)
            yield return ("runs", $"First check-in; {Runs(now)}{slot}");
        else if (last.Running != now.Running || last.Release != now.Release || last.Slot != now.Slot)
            yield return ("runs", $"{char.ToUpperInvariant(Runs(now)[0])}{Runs(now)[1..]}{slot}");
    }

    private static string Runs(CheckIn now) => (now.Running, now.Tells) switch
    {
        (ClientCheckIn.UnknownVersion, Telling.Version) => "says no version that can be read",
        (ClientCheckIn.UnknownVersion, _) => "says no version",
        (_, Telling.Nothing) => "is taken to run " + now.Running,
        _ => "runs " + now.Running,
    };
}
