using Ota.Server.Releases;

namespace Ota.Server.Recovery;

/// <summary>
/// Where the recovery of a client without orders stands. The order is the order of progress; what is over comes last, and stays over but for one that
/// failed.
/// </summary>
public enum TwoStepState
{
    Armed,

    /// <summary>The recovery build was named in an answer; nobody knows yet whether it was fetched.</summary>
    HandedOut,

    /// <summary>The last byte of the recovery build went out, or was about to when the server ended.</summary>
    Fetched,

    /// <summary>The recovery build ran, or is taken to have; the release before it is handed out.</summary>
    Returning,
    Completed,
    Failed,
    Expired,
    Cancelled,
}

/// <summary>Why a recovery is not armed for a client without orders.</summary>
public enum TwoStepRefusal
{
    /// <summary>Nobody knows what it runs, so nothing could be handed out to return to.</summary>
    PreviousUnknown,
    PreviousWithdrawn,

    /// <summary>The image's file was deleted: push the same build again.</summary>
    PreviousImageGone,

    /// <summary>Both say the same version, so nobody could tell which of them runs.</summary>
    SameVersion,
}

/// <summary>The recovery of a client without orders, as it is on disk.</summary>
/// <param name="Recovery">The recovery build's release id.</param>
/// <param name="Previous">Id of the release it is to return to.</param>
/// <param name="Deadline">When it is given up if the recovery build was not fetched by then.</param>
public sealed record TwoStep(
    string Recovery, string RecoveryVersion, string Previous, string PreviousVersion, DateTimeOffset Deadline)
{
    public TwoStepState State { get; init; }

    /// <summary>Why it failed (<c>not-run</c>), or that nobody said so (<c>assumed</c>).</summary>
    public string? Detail { get; init; }

    /// <summary>True once the last byte of the release before went out.</summary>
    public bool PreviousFetched { get; init; }
}

/// <summary>What follows from an ask.</summary>
/// <param name="Next">To be on disk before the answer goes out.</param>
/// <param name="HandOut">The release to hand out; null to leave the client as it is.</param>
public sealed record TwoStepAnswer(TwoStep Next, string? HandOut);

/// <summary>
/// Recovers a client that is not ours and knows no orders, in two steps: it is handed the recovery build once, and then the release it had before.
/// That it clears only once rests on the server alone: the recovery build's last byte goes out at most once, as that is on disk before. Pure: no
/// clock, no database, no HTTP.
/// </summary>
internal static class TwoStepRecovery
{
    public const string NotRun = "not-run";
    public const string Assumed = "assumed";

    // The first row that holds is acted on; docs/states.md lists them in this order.
    private static readonly Row[] Rows =
    [
        new("failed, it says the recovery's version → the release before; *returning*, as it ran after all",
            ask => ask is { State: TwoStepState.Failed, SaysRecovery: true }, ask => Previous(ask.To(TwoStepState.Returning))),
        new("it is over → nothing",
            ask => ask.State >= TwoStepState.Completed, ask => Nothing(ask.Recovery)),
        new("armed, its time is over → nothing; *expired*",
            ask => ask is { State: TwoStepState.Armed, IsLate: true }, ask => Nothing(ask.To(TwoStepState.Expired))),
        new("not returning yet, it says the recovery's version → the release before; *returning*",
            ask => ask is { State: < TwoStepState.Returning, SaysRecovery: true }, ask => Previous(ask.To(TwoStepState.Returning))),
        new("armed → the recovery build; *handed-out*",
            ask => ask.State == TwoStepState.Armed, ask => Recovery(ask.To(TwoStepState.HandedOut))),
        new("handed-out, its time is over → nothing; *expired*",
            ask => ask is { State: TwoStepState.HandedOut, IsLate: true }, ask => Nothing(ask.To(TwoStepState.Expired))),
        new("handed-out → the recovery build again: its fetch was broken off, or never begun",
            ask => ask.State == TwoStepState.HandedOut, ask => Recovery(ask.Recovery)),
        new("fetched, it says the version it had before → nothing; *failed*, `not-run`",
            ask => ask is { State: TwoStepState.Fetched, SaysPrevious: true }, ask => Nothing(ask.To(TwoStepState.Failed, NotRun))),
        new("fetched → the release before; *returning*",
            ask => ask.State == TwoStepState.Fetched, ask => Previous(ask.To(TwoStepState.Returning))),
        new("returning, it says the version it had before → nothing; *completed*",
            ask => ask.SaysPrevious, ask => Nothing(ask.To(TwoStepState.Completed))),
        new("returning, it says no version and has fetched the release before → nothing; *completed*, `assumed`",
            ask => ask is { Running: null, Recovery.PreviousFetched: true }, ask => Nothing(ask.To(TwoStepState.Completed, Assumed))),
        new("returning → the release before, as often as it asks",
            _ => true, ask => Previous(ask.Recovery)),
    ];

    /// <summary>What each row says, in their order.</summary>
    public static IReadOnlyList<string> Table { get; } = [.. Rows.Select(row => row.Says)];

    /// <summary>Arms a recovery; exactly one of the two is there.</summary>
    /// <param name="previous">What the unit is known to run; null when that is not known.</param>
    public static (TwoStep? Armed, TwoStepRefusal? Refused) Arm(Release recovery, Release? previous, DateTimeOffset deadline) =>
        previous switch
        {
            null => (null, TwoStepRefusal.PreviousUnknown),
            { Withdrawn: not null } => (null, TwoStepRefusal.PreviousWithdrawn),
            { Image.Deleted: not null } => (null, TwoStepRefusal.PreviousImageGone),
            _ when previous.Version == recovery.Version => (null, TwoStepRefusal.SameVersion),
            _ => (new TwoStep(recovery.Id, recovery.Version, previous.Id, previous.Version, deadline), null),
        };

    /// <summary>Decides what a unit that asks is handed.</summary>
    /// <param name="running">The version it says it runs; null when its kind of client tells none.</param>
    public static TwoStepAnswer Ask(TwoStep recovery, string? running, DateTimeOffset now)
    {
        var ask = new Asked(recovery, running, now);
        return Rows.First(row => row.When(ask)).Then(ask);
    }

    /// <summary>Whether the bytes of a release may begin to go out to this unit.</summary>
    public static bool MayFetch(TwoStep recovery, string release) =>
        release != recovery.Recovery || recovery.State == TwoStepState.HandedOut;

    /// <summary>
    /// What must be on disk before the last byte of a release goes out to this unit; null when it must not go out, as another fetch of the recovery
    /// build was faster. Whoever sends a file in parts asks before the part that ends it.
    /// </summary>
    public static TwoStep? BeforeLastByte(TwoStep recovery, string release) =>
        release != recovery.Recovery ? recovery
        : recovery.State == TwoStepState.HandedOut ? recovery with { State = TwoStepState.Fetched }
        : null;

    /// <summary>
    /// What follows once the last byte of a release went out. The release before may go out any number of times, so it counts only then: a unit
    /// that did not get it all is handed it again.
    /// </summary>
    public static TwoStep AfterLastByte(TwoStep recovery, string release) =>
        release == recovery.Previous && recovery.State == TwoStepState.Returning ? recovery with { PreviousFetched = true } : recovery;

    /// <summary>Takes a recovery back; null when it was handed out, or is over.</summary>
    public static TwoStep? Cancel(TwoStep recovery) =>
        recovery.State == TwoStepState.Armed ? recovery with { State = TwoStepState.Cancelled } : null;

    /// <summary>Gives a recovery up whose unit never asked again; null while there is no reason to.</summary>
    public static TwoStep? Expire(TwoStep recovery, DateTimeOffset now) =>
        recovery.State < TwoStepState.Fetched && recovery.Deadline <= now ? recovery with { State = TwoStepState.Expired } : null;

    private static TwoStepAnswer Nothing(TwoStep next) => new(next, HandOut: null);

    private static TwoStepAnswer Recovery(TwoStep next) => new(next, next.Recovery);

    private static TwoStepAnswer Previous(TwoStep next) => new(next, next.Previous);

    private sealed record Row(string Says, Predicate<Asked> When, Func<Asked, TwoStepAnswer> Then);

    private sealed record Asked(TwoStep Recovery, string? Running, DateTimeOffset Now)
    {
        public TwoStepState State => Recovery.State;

        public bool IsLate => Recovery.Deadline <= Now;

        public bool SaysRecovery => Running == Recovery.RecoveryVersion;

        public bool SaysPrevious => Running == Recovery.PreviousVersion;

        public TwoStep To(TwoStepState state, string? detail = null) => Recovery with { State = state, Detail = detail };
    }
}
