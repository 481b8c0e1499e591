using Ota.Server.Deployments;

namespace Ota.Server.Rollouts;

/// <summary>What a person may do to a rollout.</summary>
internal enum RolloutDeed
{
    Pause,
    Resume,

    /// <summary>Opens the next wave by hand.</summary>
    Advance,
    Return,
    Abort,
}

/// <summary>What a person's deed makes of a rollout, or why it may not be done. Pure.</summary>
internal static class RolloutDeeds
{
    /// <summary>The rollout afterwards, the same one when there is nothing to do, or null and why not.</summary>
    public static Rollout? Apply(Rollout rollout, RolloutDeed deed, DateTimeOffset now, out string refusal)
    {
        refusal = "";
        var (id, state) = (rollout.Id, rollout.State);
        switch (deed, state)
        {
            case (RolloutDeed.Abort, RolloutState.Aborted or RolloutState.Returned):
            case (RolloutDeed.Pause, RolloutState.Paused):
            case (RolloutDeed.Return, RolloutState.Returning or RolloutState.Returned):
                return rollout;
            case (RolloutDeed.Abort, _):
                return rollout with { State = RolloutState.Aborted };
            case (_, RolloutState.Aborted or RolloutState.Returned):
                refusal = $"Rollout {id} is over: {RolloutWords.Of(state)}. Start a new one.";
                return null;
            case (_, RolloutState.Returning):
                refusal = $"Rollout {id} is being returned; it can only be aborted.";
                return null;
            case (RolloutDeed.Pause, RolloutState.Scheduled or RolloutState.Active):
                return rollout with { State = RolloutState.Paused };
            case (RolloutDeed.Pause, _):
                refusal = state == RolloutState.Stopped
                    ? $"Rollout {id} has stopped itself already: {rollout.StateReason}."
                    : $"Rollout {id} is completed; abort it so that it is offered to nobody who comes later.";
                return null;
            case (RolloutDeed.Resume, RolloutState.Paused or RolloutState.Stopped):
                return rollout with
                {
                    State = rollout.Wave == 0 ? RolloutState.Scheduled : RolloutState.Active,
                    Forgiven = state == RolloutState.Stopped ? now : rollout.Forgiven,
                };
            case (RolloutDeed.Resume, _):
                refusal = $"Rollout {id} is {RolloutWords.Of(state)}, not paused.";
                return null;
            case (RolloutDeed.Advance, RolloutState.Paused or RolloutState.Stopped):
                refusal = $"Rollout {id} is {RolloutWords.Of(state)}; resume it first.";
                return null;
            case (RolloutDeed.Advance, _) when rollout.Wave >= rollout.Plan.Waves.Count:
                refusal = $"The last wave of rollout {id} is open.";
                return null;
            case (RolloutDeed.Advance, _):
                return rollout with { State = RolloutState.Active, Wave = rollout.Wave + 1 };
            case (RolloutDeed.Return, RolloutState.Scheduled):
                refusal = $"Rollout {id} has not started; nobody got it. Abort it.";
                return null;
            default:
                return rollout with { State = RolloutState.Returning };
        }
    }
}

/// <summary>Does what people ask of rollouts.</summary>
internal sealed class RolloutDesk(RolloutBoard board, DeploymentDesk desk, TimeProvider time)
{
    private const int MostTries = 5;

    /// <summary>Does a deed; null and why not.</summary>
    public async Task<(Rollout? Done, string Refusal)> DoAsync(
        Rollout rollout, RolloutDeed deed, string? reason, string who, CancellationToken cancellation)
    {
        for (var tries = 0; tries < MostTries; tries++)
        {
            var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
            if (RolloutDeeds.Apply(rollout, deed, now, out var refusal) is not { } after)
                return (null, refusal);
            var action = "rollout." + deed.ToString().ToLowerInvariant();
            var done = ReferenceEquals(after, rollout)
                ? rollout
                : await board.ChangeAsync(rollout, after with { StateReason = reason }, who, action, cancellation);
            if (done is not null)
            {
                if (deed is RolloutDeed.Abort or RolloutDeed.Return)
                    await desk.CallOffAsync(rollout.Id, deed == RolloutDeed.Abort ? "was aborted" : "is returned", who, cancellation);
                return (done, "");
            }

            // It went on by itself, or somebody else was faster: it is judged as it is now.
            rollout = board.Find(rollout.Id)!;
        }

        return (null, $"Rollout {rollout.Id} keeps changing; look at it and ask again.");
    }
}
