using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;

namespace Ota.Server.Rollouts;

/// <summary>
/// What rollouts do by themselves: begin at their time, open their next wave, stop, come to their end. Where several servers share the
/// database one does it for all; should two do it at once, one change is made.
/// </summary>
internal sealed partial class RolloutClock(
    RolloutBoard board,
    RolloutChoices choices,
    ProductCatalog products,
    Fleet fleet,
    Database database,
    DeploymentDesk desk,
    ChannelFollow follow,
    TimeProvider time,
    ILogger<RolloutClock> logger) : IDisposable
{
    /// <summary>Who changes it, for the audit log.</summary>
    public const string Who = "rollouts";

    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Looks at every rollout that has something to decide, once.</summary>
    public Task RunAsync(CancellationToken cancellation) => TickAsync(time.GetUtcNow(), cancellation);

    /// <summary>As <see cref="RunAsync"/>, at a moment.</summary>
    public async Task TickAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            await follow.TickAsync(now, cancellation);
            foreach (var rollout in board.All.Where(IsToBeLookedAt).ToArray())
                await TickAsync(rollout, now, cancellation);
        }
        finally
        {
            _turn.Release();
        }
    }

    private static bool IsToBeLookedAt(Rollout rollout) =>
        rollout.State is RolloutState.Scheduled or RolloutState.Active or RolloutState.Returning;

    /// <summary>
    /// Looks for devices that a rollout has yet to reach: so many whom the open wave lets in as its stop rule may ask for, and one where it asks for
    /// none, are enough to know that it is not done.
    /// </summary>
    private WaveLeft Left(Rollout rollout, IReadOnlyList<WaveProgress> progress, DateTimeOffset now)
    {
        var enough = Math.Max(1, rollout.Plan.Stop?.Terms.Max(term => term.Least) ?? 0);
        var product = products.Find(rollout.Product)!;
        var (inWave, inAll) = (0L, 0L);
        foreach (var device in fleet.All)
        {
            if (device.Decommissioned is not null || !RolloutPolicy.Concerns(rollout, device, device.Instruction))
                continue;
            var asking = Asking.Of(device, product, now);
            if (!RolloutChoices.Matches(rollout, asking))
                continue;
            var decision = choices.Decide(rollout, asking);
            if (decision.IsSkip || decision.Held is RolloutHold.NoBuild or RolloutHold.UpToDate or RolloutHold.BelowFloor)
                continue;
            inAll++;
            inWave += decision.Held == RolloutHold.WaveNotOpen ? 0 : 1;
            if (inWave >= enough)
                break;
        }

        var open = database.Read(connection => RolloutProgress.Open(connection, rollout.Id));
        return new WaveLeft(inWave, inAll, open - progress.Sum(wave => wave.Silent));
    }

    private Task TickAsync(Rollout rollout, DateTimeOffset now, CancellationToken cancellation) => rollout.State switch
    {
        RolloutState.Scheduled when rollout.Starts <= now => ChangeAsync(
            rollout, rollout with { State = RolloutState.Active, Wave = 1, StateReason = null }, "rollout.open", cancellation),
        RolloutState.Active when rollout.Plan.IsWatched => WatchAsync(rollout, now, cancellation),
        RolloutState.Returning => ReturnAsync(rollout, now, cancellation),
        _ => Task.CompletedTask,
    };

    private async Task WatchAsync(Rollout rollout, DateTimeOffset now, CancellationToken cancellation)
    {
        var (progress, begun) = database.Read(connection => (
            RolloutProgress.Waves(connection, rollout, now), RolloutTable.Begun(connection, rollout.Id)));
        board.GaugeOf(rollout.Id).Learn(begun);
        var decision = WavePolicy.Decide(
            rollout.Plan, rollout.Wave, progress, rollout.Changed, new Lazy<WaveLeft>(() => Left(rollout, progress, now)), now);
        switch (decision.Step)
        {
            case WaveStep.OpenNext:
                await ChangeAsync(rollout, rollout with { Wave = rollout.Wave + 1 }, "rollout.open", cancellation);
                break;
            case WaveStep.Stop when rollout.Plan.OnStop == OnStop.Return:
                await ChangeAsync(
                    rollout, rollout with { State = RolloutState.Returning, StateReason = decision.Reason }, "rollout.stop", cancellation);
                await desk.CallOffAsync(rollout.Id, "is returned", Who, cancellation);
                break;
            case WaveStep.Stop:
                await ChangeAsync(
                    rollout, rollout with { State = RolloutState.Stopped, StateReason = decision.Reason }, "rollout.stop", cancellation);
                break;
            case WaveStep.Complete:
                await ChangeAsync(
                    rollout, rollout with { State = RolloutState.Completed, StateReason = null }, "rollout.complete", cancellation);
                break;
        }
    }

    // Until nobody is left who could be brought back, or its time is over.
    private async Task ReturnAsync(Rollout rollout, DateTimeOffset now, CancellationToken cancellation)
    {
        var product = products.Find(rollout.Product)!;
        var isOver = now - rollout.Changed >= rollout.Plan.Deadline || database.Read(connection =>
            RolloutProgress.Open(connection, rollout.Id) == 0
            && RolloutProgress.ToReturn(connection, rollout.Id).All(row =>
                RolloutPolicy.DecideReturn(new Standing { Floor = (int)row.Floor }, choices.Before(product, row.Before)).Held is not null));
        if (isOver)
            await ChangeAsync(rollout, rollout with { State = RolloutState.Returned }, "rollout.returned", cancellation);
    }

    private async Task ChangeAsync(Rollout before, Rollout after, string action, CancellationToken cancellation)
    {
        if (await board.ChangeAsync(before, after, Who, action, cancellation) is not { } changed)
            return;
        Log.Changed(
            logger, changed.Id, changed.Product, changed.Version, RolloutWords.Of(changed.State), changed.Wave, changed.StateReason ?? "");
    }

    public void Dispose() => _turn.Dispose();

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Rollout {Rollout} of {Product} {Version} is {State}, wave {Wave}. {Reason}")]
        public static partial void Changed(
            ILogger logger, long rollout, string product, string version, string state, int wave, string reason);
    }
}
