using Ota.Server.Rollouts;

namespace Ota.Server.Tests.Rollouts;

public sealed class WavePolicyTests
{
    private static readonly DateTimeOffset Opened = DateTimeOffset.UnixEpoch.AddDays(1000);
    private static readonly DateTimeOffset Later = Opened.AddHours(3);

    public static TheoryData<string, object[], int, string> Arms => new()
    {
        // Nothing has happened yet, and there are devices left.
        { "nothing yet", [Wave(1, 0, 0)], 9, "Stay" },
        { "an empty wave", [Wave(1, 0, 0)], 0, "OpenNext" },
        { "enough confirmed", [Wave(1, 100, 95)], 9, "OpenNext" },
        { "one too few", [Wave(1, 100, 94)], 9, "Stay" },
        { "exactly the share of few", [Wave(1, 20, 19)], 9, "OpenNext" },
        { "handed out and not heard", [Wave(1, 3, 2)], 9, "Stay" },
        { "not soaked since the last confirmation", [Wave(1, 100, 100) with { LastConfirmed = Later.AddHours(-1.9) }], 9, "Stay" },
        { "soaked", [Wave(1, 100, 100) with { LastConfirmed = Later.AddHours(-2) }], 9, "OpenNext" },
        { "at the limit", [Wave(1, 100, 95, failed: 2)], 9, "OpenNext" },
        { "above the limit", [Wave(1, 100, 95, failed: 2, reverted: 1)], 9, "Stop wave 1: failed+reverted > 2% (3 of 100)" },
        { "silence is failure", [Wave(1, 100, 95, silent: 3)], 9, "Stop wave 1: failed+reverted > 2% (3 of 100)" },
        { "refusal is failure", [Wave(1, 100, 95, refused: 3)], 9, "Stop wave 1: failed+reverted > 2% (3 of 100)" },
        { "one of ten, and those are all", [Wave(1, 10, 9, failed: 1)], 0, "Stop wave 1: failed+reverted > 2% (1 of 10)" },
        { "one of the first ten of many", [Wave(1, 10, 9, failed: 1)], 40, "Stay" },
        { "two of the first ten of many", [Wave(1, 10, 8, failed: 2)], 40, "Stop wave 1: failed+reverted > 2% (2 of 10)" },
        { "one of the first ten of 49", [Wave(1, 10, 9, failed: 1)], 39, "Stop wave 1: failed+reverted > 2% (1 of 10)" },
        { "alerts", [Wave(1, 100, 100, alerts: 4)], 9, "Stop wave 1: alerts > 3 (4 of 100)" },
        { "alerts at the limit", [Wave(1, 100, 100, alerts: 3)], 9, "OpenNext" },
        { "an earlier wave went wrong late", [Wave(1, 10, 9, failed: 1), Wave(2, 1000, 1000)], 9, "Stop wave 1: failed+reverted > 2% (1 of 10)" },
        { "stop before going on", [Wave(1, 100, 97, failed: 3)], 0, "Stop wave 1: failed+reverted > 2% (3 of 100)" },
        { "the last wave, some left", [Wave(1, 9, 9), Wave(2, 9, 9), Wave(3, 100, 100)], 1, "Stay" },
        { "the last wave, none left", [Wave(1, 9, 9), Wave(2, 9, 9), Wave(3, 100, 100)], 0, "Complete" },
        { "the last wave, too few confirmed", [Wave(1, 9, 9), Wave(2, 9, 9), Wave(3, 100, 90)], 0, "Stay" },
        { "the last wave, nobody in it", [Wave(1, 9, 9), Wave(2, 9, 9), Wave(3, 0, 0)], 0, "Complete" },
    };

    [Theory]
    [MemberData(nameof(Arms))]
    public void The_first_arm_that_matches_decides(string what, object[] progress, int left, string expected)
    {
        var plan = Plan("confirmed >= 95% and soaked 2h", "failed+reverted > 2% or alerts > 3");

        var decision = WavePolicy.Decide(plan, progress.Length, [.. progress.Cast<WaveProgress>()], Opened, LeftOf(left), Later);

        Assert.True(expected == $"{decision.Step} {decision.Reason}".TrimEnd(), $"{what}: {decision.Step} {decision.Reason}");
    }

    [Fact]
    public void Without_an_advance_rule_a_person_opens_the_next_wave_and_without_a_stop_rule_nothing_stops()
    {
        WaveProgress[] bad = [Wave(1, 10, 0, failed: 10)];

        Assert.Equal(WaveStep.Stay, WavePolicy.Decide(Plan(null, null), 1, bad, Opened, LeftOf(0), Later).Step);
        Assert.Equal(WaveStep.Stop, WavePolicy.Decide(Plan(null, "failed >= 1"), 1, bad, Opened, LeftOf(0), Later).Step);
    }

    [Fact]
    public void A_plain_rollout_goes_on_for_who_comes_later() =>
        Assert.Equal(WaveStep.Stay, WavePolicy.Decide(RolloutPlan.AtOnce, 1, [Wave(1, 9, 9)], Opened, LeftOf(0), Later).Step);

    [Theory]
    [InlineData("failed > 2.5%", 25, 1000, false)]
    [InlineData("failed > 2.5%", 26, 1000, true)]
    [InlineData("failed >= 2.5%", 25, 1000, true)]
    [InlineData("failed > 33.33%", 1, 3, true)]
    [InlineData("failed > 33.34%", 1, 3, false)]
    [InlineData("failed > 0%", 1, 1_000_000, true)]
    [InlineData("failed > 1", 1, 5, false)]
    [InlineData("failed>=1", 1, 5, true)]
    // None of none is no share, and nothing that did not happen stops a rollout.
    [InlineData("failed >= 0%", 0, 5, false)]
    [InlineData("failed >= 0", 0, 5, false)]
    public void Shares_are_exact(string rule, int failed, int of, bool stops) =>
        Assert.Equal(stops, WavePolicy.Decide(Plan(null, rule), 1, [Wave(1, of, 0, failed: failed)], Opened, LeftOf(0), Later).Step == WaveStep.Stop);

    private static WaveProgress Wave(
        int number, long given, long confirmed, long failed = 0, long refused = 0, long reverted = 0, long silent = 0, long alerts = 0) =>
        new(number, given, confirmed, new WaveFaults(failed, refused, reverted, silent, alerts), null);

    [Fact]
    public void A_rollout_that_is_for_nobody_waits_for_somebody_in_its_first_wave()
    {
        var plan = Plan("confirmed >= 95%", null);

        Assert.Equal(WaveStep.Stay, WavePolicy.Decide(plan, 1, [Wave(1, 0, 0)], Opened, new(new WaveLeft(0, 0, 0)), Later).Step);
        Assert.Equal(WaveStep.Stay, WavePolicy.Decide(plan, 3, [Wave(1, 0, 0), Wave(2, 0, 0), Wave(3, 0, 0)], Opened, new(new WaveLeft(0, 0, 0)), Later).Step);
    }

    [Fact]
    public void Nothing_completes_while_somebody_installs() =>
        Assert.Equal(
            WaveStep.Stay,
            WavePolicy.Decide(Plan(null, "failed > 9"), 3, [Wave(3, 9, 8)], Opened, new(new WaveLeft(0, 0, 1)), Later).Step);

    // Of the open wave; in the waves to come there are more.
    private static Lazy<WaveLeft> LeftOf(int left) => new(new WaveLeft(left, left + 9, 0));

    private static RolloutPlan Plan(string? advance, string? stop) =>
        RolloutPlan.Read(new PlanText(null, ["1%", "10%", "100%"], null, null, advance, stop, null, null), out var fault)
        ?? throw new InvalidOperationException(fault);
}
