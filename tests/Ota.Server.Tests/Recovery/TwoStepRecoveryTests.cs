using Ota.Server.Recovery;
using Ota.Server.Tests.Releases;

namespace Ota.Server.Tests.Recovery;

public sealed class TwoStepRecoveryTests
{
    private const string Recovery = "id-9.0.0";
    private const string Previous = "id-1.0.0";
    private static readonly DateTimeOffset Deadline = ARelease.Past.AddDays(14);

    private static readonly TwoStep Armed =
        TwoStepRecovery.Arm(ARelease.Of("9.0.0"), ARelease.Of("1.0.0"), Deadline).Armed!;

    [Theory]
    // state, it says, is late, is handed, is then, detail
    [InlineData(TwoStepState.Armed, "1.0.0", false, Recovery, TwoStepState.HandedOut, null)]
    [InlineData(TwoStepState.Armed, null, false, Recovery, TwoStepState.HandedOut, null)]
    [InlineData(TwoStepState.Armed, "9.0.0", false, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Armed, "1.0.0", true, null, TwoStepState.Expired, null)]
    [InlineData(TwoStepState.Armed, "9.0.0", true, null, TwoStepState.Expired, null)]
    // Its fetch was broken off, or never begun.
    [InlineData(TwoStepState.HandedOut, "1.0.0", false, Recovery, TwoStepState.HandedOut, null)]
    [InlineData(TwoStepState.HandedOut, null, false, Recovery, TwoStepState.HandedOut, null)]
    [InlineData(TwoStepState.HandedOut, "0.5.0", false, Recovery, TwoStepState.HandedOut, null)]
    [InlineData(TwoStepState.HandedOut, "1.0.0", true, null, TwoStepState.Expired, null)]
    // It runs it, however it came by it; and then it must come home, late or not.
    [InlineData(TwoStepState.HandedOut, "9.0.0", true, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Fetched, "9.0.0", false, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Fetched, "9.0.0", true, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Fetched, null, true, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Fetched, "0.5.0", false, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Fetched, "1.0.0", false, null, TwoStepState.Failed, "not-run")]
    [InlineData(TwoStepState.Fetched, "1.0.0", true, null, TwoStepState.Failed, "not-run")]
    [InlineData(TwoStepState.Returning, "9.0.0", true, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Returning, "0.5.0", false, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Returning, null, false, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Returning, "1.0.0", false, null, TwoStepState.Completed, null)]
    [InlineData(TwoStepState.Completed, "9.0.0", false, null, TwoStepState.Completed, null)]
    // It ran after all.
    [InlineData(TwoStepState.Failed, "9.0.0", false, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Failed, "9.0.0", true, Previous, TwoStepState.Returning, null)]
    [InlineData(TwoStepState.Failed, "1.0.0", false, null, TwoStepState.Failed, null)]
    [InlineData(TwoStepState.Failed, null, false, null, TwoStepState.Failed, null)]
    [InlineData(TwoStepState.Expired, "9.0.0", false, null, TwoStepState.Expired, null)]
    [InlineData(TwoStepState.Expired, "1.0.0", false, null, TwoStepState.Expired, null)]
    [InlineData(TwoStepState.Cancelled, "1.0.0", false, null, TwoStepState.Cancelled, null)]
    public void A_unit_that_asks_is_handed(TwoStepState state, string? says, bool isLate, string? handed, TwoStepState then, string? detail)
    {
        var answer = TwoStepRecovery.Ask(Armed with { State = state }, says, isLate ? Deadline : Deadline.AddSeconds(-1));

        Assert.Equal((handed, then, detail), (answer.HandOut, answer.Next.State, answer.Next.Detail));
    }

    [Theory]
    [InlineData(null, null, TwoStepState.Completed, "assumed")]
    // It says that it has not started it: it is handed out again.
    [InlineData("9.0.0", Previous, TwoStepState.Returning, null)]
    [InlineData("1.0.0", null, TwoStepState.Completed, null)]
    public void Once_it_has_fetched_the_release_before(string? says, string? handed, TwoStepState then, string? detail)
    {
        var fetched = TwoStepRecovery.AfterLastByte(Armed with { State = TwoStepState.Returning }, Previous);

        var answer = TwoStepRecovery.Ask(fetched, says, Deadline);

        Assert.Equal((handed, then, detail), (answer.HandOut, answer.Next.State, answer.Next.Detail));
    }

    [Theory]
    [InlineData(TwoStepState.Armed, false, null)]
    [InlineData(TwoStepState.HandedOut, true, TwoStepState.Fetched)]
    [InlineData(TwoStepState.Fetched, false, null)]
    [InlineData(TwoStepState.Returning, false, null)]
    [InlineData(TwoStepState.Completed, false, null)]
    [InlineData(TwoStepState.Expired, false, null)]
    public void The_recovery_build_goes_out_whole_once_and_only_after_it_was_handed_out(TwoStepState state, bool mayBegin, TwoStepState? then)
    {
        var recovery = Armed with { State = state };

        Assert.Equal(mayBegin, TwoStepRecovery.MayFetch(recovery, Recovery));
        Assert.Equal(then, TwoStepRecovery.BeforeLastByte(recovery, Recovery)?.State);
        Assert.True(TwoStepRecovery.MayFetch(recovery, Previous));
        Assert.Equal(recovery, TwoStepRecovery.AfterLastByte(recovery, Recovery));
        Assert.Equal(recovery with { PreviousFetched = state == TwoStepState.Returning }, TwoStepRecovery.AfterLastByte(recovery, Previous));
        foreach (var release in new[] { Previous, "another" })
            Assert.Equal(recovery, TwoStepRecovery.BeforeLastByte(recovery, release));
    }

    [Theory]
    [InlineData(TwoStepState.Armed, true, true)]
    [InlineData(TwoStepState.HandedOut, false, true)]
    [InlineData(TwoStepState.Fetched, false, false)]
    [InlineData(TwoStepState.Returning, false, false)]
    [InlineData(TwoStepState.Completed, false, false)]
    [InlineData(TwoStepState.Cancelled, false, false)]
    public void It_is_cancelled_until_it_is_handed_out_and_expires_until_it_is_fetched(TwoStepState state, bool mayCancel, bool mayExpire)
    {
        var recovery = Armed with { State = state };

        Assert.Equal(mayCancel ? TwoStepState.Cancelled : null, TwoStepRecovery.Cancel(recovery)?.State);
        Assert.Equal(mayExpire ? TwoStepState.Expired : null, TwoStepRecovery.Expire(recovery, Deadline)?.State);
        Assert.Null(TwoStepRecovery.Expire(recovery, Deadline.AddSeconds(-1)));
    }

    [Fact]
    public void It_is_not_armed_for_a_unit_that_could_not_come_home()
    {
        var (recovery, previous) = (ARelease.Of("9.0.0"), ARelease.Of("1.0.0"));

        Assert.Equal(TwoStepRefusal.PreviousUnknown, TwoStepRecovery.Arm(recovery, null, Deadline).Refused);
        Assert.Equal(TwoStepRefusal.PreviousWithdrawn, TwoStepRecovery.Arm(recovery, previous with { Withdrawn = Deadline }, Deadline).Refused);
        Assert.Equal(
            TwoStepRefusal.PreviousImageGone,
            TwoStepRecovery.Arm(recovery, previous with { Image = previous.Image with { Deleted = Deadline } }, Deadline).Refused);
        Assert.Equal(TwoStepRefusal.SameVersion, TwoStepRecovery.Arm(recovery, previous with { Version = "9.0.0" }, Deadline).Refused);
        Assert.Equal((Armed, null), TwoStepRecovery.Arm(recovery, previous, Deadline));
    }

    [Fact]
    public void The_document_lists_the_table_row_by_row_in_its_order()
    {
        var document = File.ReadAllText(Vectors.Repository("server/docs/states.md"));
        var at = 0;
        foreach (var row in TwoStepRecovery.Table)
        {
            var line = $"| {row.Replace(" → ", " | ", StringComparison.Ordinal)} |";
            var found = document.IndexOf(line, at, StringComparison.Ordinal);
            Assert.True(found > 0, $"docs/states.md lacks, here or at all: {line}");
            at = found;
        }
    }
}
