using Ota.Server.Deployments;
using Ota.Server.Pins;

namespace Ota.Server.Tests.Pins;

public sealed class StatusPolicyTests
{
    private static readonly DateTimeOffset Then = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Theory]
    [InlineData(DeploymentState.Ordered, null, "ordered 1.4.0")]
    [InlineData(DeploymentState.Offered, null, "offered 1.4.0")]
    [InlineData(DeploymentState.Accepted, null, "accepted 1.4.0")]
    [InlineData(DeploymentState.Downloading, "40%", "downloading 40%")]
    [InlineData(DeploymentState.Downloading, null, "downloading 0%")]
    [InlineData(DeploymentState.Downloaded, null, "installing")]
    [InlineData(DeploymentState.Trial, null, "installing")]
    [InlineData(DeploymentState.Confirmed, null, "confirmed 1.4.0 2026-01-02T03:04:05Z")]
    [InlineData(DeploymentState.Reverted, "confirm-deadline", "reverted 1.4.0: confirm-deadline")]
    [InlineData(DeploymentState.Refused, "chunk", "refused 1.4.0: chunk")]
    [InlineData(DeploymentState.Failed, "a\0b\n", "failed 1.4.0: a?b?")]
    public void An_installation_is_told_in_these_words(DeploymentState state, string? detail, string status) =>
        Assert.Equal(status, StatusPolicy.Of(ADeployment(DeploymentAction.Install, state, detail), "1.4.0"));

    [Theory]
    [InlineData(DeploymentState.Ordered, "recovery armed")]
    [InlineData(DeploymentState.Accepted, "recovery delivered")]
    [InlineData(DeploymentState.Downloaded, "recovery clearing")]
    [InlineData(DeploymentState.AwaitingReturn, "recovery awaiting-return")]
    [InlineData(DeploymentState.Confirmed, "recovery completed")]
    public void A_recovery_has_its_own(DeploymentState state, string status) =>
        Assert.Equal(status, StatusPolicy.Of(ADeployment(DeploymentAction.Recover, state, null), "9.0.0"));

    [Theory]
    [InlineData(null, true)]
    [InlineData("checking", true)]
    [InlineData("downloading 40%", true)]
    [InlineData("up-to-date", false)]
    [InlineData("confirmed 1.4.0 2026-01-02T03:04:05Z", false)]
    [InlineData("reverted 1.4.0: confirm-deadline", false)]
    [InlineData("recovery completed", false)]
    [InlineData("recovery armed", true)]
    public void How_it_ended_stays_until_somebody_asks_again(string? status, bool givesWay) =>
        Assert.Equal(givesWay, StatusPolicy.GivesWay(status));

    [Theory]
    [InlineData("0", 0)]
    [InlineData("255", 255)]
    [InlineData("V7", 7)]
    [InlineData("v07", 7)]
    [InlineData("256", null)]
    [InlineData("-1", null)]
    [InlineData("+1", null)]
    [InlineData("", null)]
    [InlineData("v", null)]
    [InlineData("1.0", null)]
    [InlineData("٣", null)]
    public void A_pin_is_a_number_with_or_without_a_V(string text, int? number) => Assert.Equal(number, PinPolicy.Number(text));

    [Fact]
    public void A_value_is_bounded_in_bytes_and_has_no_control_characters()
    {
        Assert.Null(PinPolicy.Fault(""));
        Assert.Null(PinPolicy.Fault(new string('x', 1024)));
        Assert.Null(PinPolicy.Fault(string.Concat(Enumerable.Repeat("😀", 256))));
        Assert.All(
            [null, new string('x', 1025), new string('é', 513), "a\0", "a\n", "\u009b"],
            value => Assert.NotNull(PinPolicy.Fault(value)));
    }

    private static Deployment ADeployment(DeploymentAction action, DeploymentState state, string? detail) => new(
        51, null, "k7m2q9x4td3w", "kettle", "aa", state, detail, Then, "sam", Then, state.IsOver() ? Then : null, 1, Then, Then) { Action = action };
}
