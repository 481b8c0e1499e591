using Ota.Server.CheckIns;
using Ota.Server.Deployments;

namespace Ota.Server.Tests.Deployments;

public sealed class DeploymentPolicyTests
{
    private static readonly CheckIn Asking = new(
        "1.0.0", "old", SlotState.Confirmed, SecurityCounter: 3, LastOrder: 6, Cleared: 0, KeyCounter: 0, new Restart("update", 0, 1), 1, -60, 1, "virtual");

    private static readonly Deployment Open = new(
        1, null, "device", "product", "new", DeploymentState.Offered, null, DateTimeOffset.UnixEpoch, "who", null, null, OrderNumber: 7,
        DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddHours(24));

    [Theory]
    [InlineData("new", 3, SlotState.Confirmed, null)]
    [InlineData("new", 2, SlotState.Confirmed, HoldReason.RollbackForbidden)]
    [InlineData("old", 2, SlotState.Confirmed, HoldReason.UpToDate)]
    [InlineData("new", 3, SlotState.Trial, HoldReason.InTrial)]
    public void The_first_rule_that_matches_decides(string release, int counter, SlotState slot, HoldReason? held) =>
        Assert.Equal(held, DeploymentPolicy.Decide(Asking with { Slot = slot }, new OfferedRelease(release, counter)));

    [Fact]
    public void Without_a_release_there_is_nothing_to_offer() =>
        Assert.Equal(HoldReason.NoDeployment, DeploymentPolicy.Decide(Asking, null));

    [Theory]
    [InlineData("new", SlotState.Confirmed, DeploymentState.Offered, DeploymentState.Confirmed)]
    [InlineData("new", SlotState.Confirmed, DeploymentState.Trial, DeploymentState.Confirmed)]
    [InlineData("new", SlotState.Trial, DeploymentState.Downloaded, DeploymentState.Trial)]
    [InlineData("new", SlotState.Trial, DeploymentState.Trial, null)]
    [InlineData("old", SlotState.Confirmed, DeploymentState.Trial, DeploymentState.Reverted)]
    [InlineData("old", SlotState.Confirmed, DeploymentState.Downloaded, null)]
    [InlineData("old", SlotState.Confirmed, DeploymentState.Offered, null)]
    public void A_check_in_proves_only_what_it_shows(string release, SlotState slot, DeploymentState state, DeploymentState? proved) =>
        Assert.Equal(proved, DeploymentPolicy.Observe(Asking with { Release = release, Slot = slot }, Open with { State = state })?.State);

    [Theory]
    [InlineData(6, 0, true)]
    [InlineData(7, 0, false)]
    [InlineData(6, 19, false)]
    public void An_order_is_repeated_while_it_is_neither_accepted_nor_about_to_expire(long lastOrder, int hoursLater, bool repeated) =>
        Assert.Equal(repeated, DeploymentPolicy.CanRepeatOrder(
            Open, Asking with { LastOrder = lastOrder }, DateTimeOffset.UnixEpoch.AddHours(hoursLater), TimeSpan.FromHours(6)));

    [Fact]
    public void No_report_ever_confirms_an_installation_and_none_moves_a_deployment_that_is_over_or_back()
    {
        string[] reports = ["accepted", "downloading", "downloaded", "trial", "confirmed", "reverted", "refused", "failed", "nonsense"];
        foreach (var state in Enum.GetValues<DeploymentState>())
        {
            foreach (var report in reports)
            {
                foreach (var action in Enum.GetValues<DeploymentAction>())
                {
                    var next = DeploymentProgress.AfterReport(action, state, report);
                    Assert.True(next is null || (!state.IsOver() && next >= state), $"{action} {state} {report} {next}");
                    Assert.True(
                        next != DeploymentState.Confirmed || action == DeploymentAction.Decommission, $"{action} {state} {report} {next}");
                }
            }
        }
    }
}
