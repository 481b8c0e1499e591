using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Recovery;

namespace Ota.Server.Tests.Recovery;

public sealed class RecoveryPolicyTests
{
    private static readonly CheckIn Asking = new(
        "1.0.0", "ran", SlotState.Confirmed, SecurityCounter: 3, LastOrder: 9, Cleared: 0, KeyCounter: 0, new Restart("recovery", 0, 1), 1, -60, 1,
        "virtual");

    private static readonly Deployment Open = new(
        1, null, "device", "product", "rescue", DeploymentState.Offered, null, DateTimeOffset.UnixEpoch, "who", null, null, OrderNumber: 9,
        DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddHours(24))
    {
        Action = DeploymentAction.Recover,
        FirstOrder = 7,
        Returns = "ran",
    };

    // The server remembers orders up to 9; this recovery had 7 to 9.
    [Theory]
    [InlineData(0, "ran", DeploymentState.Offered, null)]
    // Cleared for something before this recovery.
    [InlineData(6, "ran", DeploymentState.Offered, null)]
    [InlineData(7, "ran", DeploymentState.Offered, DeploymentState.Confirmed)]
    [InlineData(9, "ran", DeploymentState.Downloaded, DeploymentState.Confirmed)]
    [InlineData(9, "other", DeploymentState.Downloaded, DeploymentState.Failed)]
    // Reported, by an agent that says nothing of it when it asks.
    [InlineData(0, "ran", DeploymentState.AwaitingReturn, DeploymentState.Confirmed)]
    [InlineData(0, "other", DeploymentState.AwaitingReturn, DeploymentState.Failed)]
    // Nobody here remembers order 10.
    [InlineData(10, "ran", DeploymentState.Offered, DeploymentState.Failed)]
    [InlineData(10, "ran", DeploymentState.AwaitingReturn, DeploymentState.Failed)]
    public void What_a_check_in_proves_about_a_recovery(long cleared, string runs, DeploymentState state, DeploymentState? proved) =>
        Assert.Equal(
            proved,
            RecoveryPolicy.Observe(Asking with { Cleared = cleared, Release = runs }, Open with { State = state }, highestOrder: 9)?.State);

    [Fact]
    public void A_trial_proves_nothing_about_a_recovery() =>
        Assert.Null(RecoveryPolicy.Observe(Asking with { Cleared = 9, Slot = SlotState.Trial }, Open, highestOrder: 9));

    [Fact]
    public void One_that_was_never_offered_was_not_carried_out() =>
        Assert.Null(RecoveryPolicy.Observe(
            Asking with { Cleared = 5 }, Open with { State = DeploymentState.Ordered, FirstOrder = 0, OrderNumber = 0 }, highestOrder: 9));

    [Fact]
    public void A_check_in_never_ends_a_decommission_but_on_a_server_that_forgot()
    {
        var decommission = Open with { Action = DeploymentAction.Decommission, Release = null };
        for (var cleared = 0; cleared <= 9; cleared++)
            Assert.Null(RecoveryPolicy.Observe(Asking with { Cleared = cleared }, decommission, highestOrder: 9));
        Assert.Equal(
            DeploymentState.Failed, RecoveryPolicy.Observe(Asking with { Cleared = 10 }, decommission, highestOrder: 9)?.State);
    }
}
