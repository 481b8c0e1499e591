using FsCheck;
using FsCheck.Fluent;
using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Rollouts;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

public sealed class RolloutPolicyTests
{
    private static readonly OfferedRelease Build = new("build", 2);
    private static readonly OfferedRelease Step = new("step", 2);
    private static readonly Standing Ready = new(SlotState.Confirmed, "before", 2, IsBusy: false, Build, NeedsStep: false, null, true, true, true);

    // Above each the arms before it, which it would match as well.
    public static TheoryData<string, object, string> Arms => new()
    {
        { "active", Ready with { Slot = SlotState.Trial, IsBusy = true }, "in-trial" },
        { "active", Ready with { IsBusy = true, Build = null }, "other-deployment" },
        { "active", Ready with { Build = null }, "no-build" },
        { "active", Ready with { Runs = "build", IsInWindow = false, IsPaced = false }, "skip" },
        { "completed", Ready with { Runs = "build" }, "skip" },
        { "active", Ready with { Runs = "build", IsAdmitted = false }, "up-to-date" },
        { "paused", Ready with { Runs = "build" }, "up-to-date" },
        { "scheduled", Ready with { Runs = "build", Floor = 3 }, "up-to-date" },
        { "active", Ready with { Floor = 3, NeedsStep = true }, "below-floor" },
        { "scheduled", Ready with { NeedsStep = true }, "needs-step" },
        { "active", Ready with { NeedsStep = true, Step = Step with { SecurityCounter = 1 } }, "needs-step" },
        { "scheduled", Ready with { IsAdmitted = false }, "not-started" },
        { "paused", Ready with { IsAdmitted = false }, "paused" },
        { "stopped", Ready, "paused" },
        { "active", Ready with { IsAdmitted = false, IsInWindow = false }, "wave-not-open" },
        { "active", Ready with { IsInWindow = false, IsPaced = false }, "outside-window" },
        { "active", Ready with { IsPaced = false }, "rate" },
        { "active", Ready with { NeedsStep = true, Step = Step }, "begin step" },
        { "active", Ready, "begin build" },
        { "completed", Ready with { Runs = null }, "begin build" },
    };

    [Theory]
    [MemberData(nameof(Arms))]
    public void The_first_arm_that_matches_decides(string state, object standing, string expected)
    {
        var decision = RolloutPolicy.Decide(Enum.Parse<RolloutState>(state, ignoreCase: true), (Standing)standing);

        Assert.Equal(
            expected,
            decision.Begins is { } begins ? "begin " + begins.Id : decision.Held is { } held ? RolloutWords.Of(held) : "skip");
    }

    [Fact]
    public void Nobody_begins_before_its_wave_in_trial_busy_below_its_floor_or_while_the_rollout_holds() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.ArbFor<(RolloutState State, bool Admitted, bool Busy, bool Trial, int Floor, bool Step)>(),
            some =>
            {
                var standing = Ready with
                {
                    IsAdmitted = some.Admitted, IsBusy = some.Busy, Floor = some.Floor, Slot = some.Trial ? SlotState.Trial : SlotState.Confirmed,
                    NeedsStep = some.Step, Step = some.Step ? Step : null,
                };
                return RolloutPolicy.Decide(some.State, standing).Begins is null
                    || (some is { Admitted: true, Busy: false, Trial: false, Floor: <= 2 } && some.State is RolloutState.Active or RolloutState.Completed);
            }));

    [Fact]
    public void A_devices_number_never_changes_lies_below_one_and_differs_from_rollout_to_rollout() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.ArbFor<(PositiveInt Rollout, NonEmptyString Device)>(),
            some =>
            {
                var device = some.Device.Get[..Math.Min(some.Device.Get.Length, 12)];
                var share = Waves.ShareOf(some.Rollout.Get, device);
                return share is >= 0 and < 1 && share == Waves.ShareOf(some.Rollout.Get, new string(device))
                    && share != Waves.ShareOf(some.Rollout.Get + 1L, device);
            }));

    [Fact]
    public void A_devices_number_is_the_same_on_every_machine_and_in_every_version() =>
        Assert.Equal(0.42948, Waves.ShareOf(42, "k7m2q9x4td3w"), 5);

    [Fact]
    public void Who_one_wave_admits_every_later_one_admits() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            ArbMap.Default.ArbFor<(PositiveInt Rollout, NonNegativeInt Begun, Guid Device)>(),
            some =>
            {
                foreach (var texts in new[] { (string[])["1%", "10%", "50%", "100%"], ["5", "50", "rest"], ["0.01%", "rest"] })
                {
                    var waves = Waves.Parse(texts, out _)!;
                    var share = Waves.ShareOf(some.Rollout.Get, some.Device.ToString());
                    var admitted = Enumerable.Range(0, waves.Count + 1).Select(wave => waves.Admits(wave, share, some.Begun.Get)).ToArray();
                    if (admitted[0] || !admitted[^1] || !admitted.SequenceEqual(admitted.Order()))
                        return false;
                }

                return true;
            }));

    [Fact]
    public void Shares_are_shares()
    {
        var waves = Waves.Parse(["1%", "10%", "100%"], out _)!;
        var admitted = Enumerable.Range(0, 20_000).Count(device => waves.Admits(2, Waves.ShareOf(7, $"device{device}"), 0));

        // Six standard deviations of a binomial distribution.
        Assert.InRange(admitted, 2000 - 255, 2000 + 255);
    }

    [Theory]
    [InlineData("01:00-05:00", "2030-07-01T00:59", false)]
    [InlineData("01:00-05:00", "2030-07-01T01:00", true)]
    [InlineData("01:00-05:00", "2030-07-01T04:59", true)]
    [InlineData("01:00-05:00", "2030-07-01T05:00", false)]
    [InlineData("22:00-04:00", "2030-07-01T21:59", false)]
    [InlineData("22:00-04:00", "2030-07-01T23:59", true)]
    [InlineData("22:00-04:00", "2030-07-01T03:59", true)]
    [InlineData("22:00-04:00", "2030-07-01T12:00", false)]
    public void A_window_may_go_over_midnight(string window, string local, bool isOpen)
    {
        var adelaide = TimeZoneInfo.FindSystemTimeZoneById("Australia/Adelaide");
        var now = new DateTimeOffset(DateTime.Parse(local, System.Globalization.CultureInfo.InvariantCulture), TimeSpan.FromHours(9.5));

        Assert.Equal(isOpen, RolloutWindow.Parse(window, out _)!.IsOpen(now.ToUniversalTime(), adelaide));
    }

    [Fact]
    public void A_skipped_hour_is_not_there_and_one_that_comes_twice_is_there_twice()
    {
        var berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        var window = RolloutWindow.Parse("02:00-03:00", out _)!;
        double MinutesOpen(DateTimeOffset from) =>
            Enumerable.Range(0, 24 * 60).Count(minute => window.IsOpen(from.AddMinutes(minute), berlin));

        Assert.Equal(0, MinutesOpen(new DateTimeOffset(2031, 3, 29, 23, 0, 0, TimeSpan.Zero)));
        Assert.Equal(120, MinutesOpen(new DateTimeOffset(2031, 10, 25, 22, 0, 0, TimeSpan.Zero)));
    }

    [Fact]
    public void Who_asked_outside_the_window_comes_in_its_first_half_whatever_the_clocks_do() =>
        Check.QuickThrowOnFailure(Prop.ForAll(
            Gen.Choose(0, 400 * 24 * 60).Select(minute => new DateTimeOffset(2031, 1, 1, 0, 0, 0, TimeSpan.Zero).AddMinutes(minute)).ToArbitrary(),
            now =>
            {
                var berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
                var window = RolloutWindow.Parse("22:30-04:30", out _)!;
                return window.IsOpen(now, berlin)
                    || Enumerable.Range(0, 10).All(part => window.IsOpen(now + window.AskAgain(now, berlin, part / 10.0), berlin));
            }));

    [Fact]
    public void A_bucket_lets_in_a_minutes_worth_and_then_as_many_a_minute()
    {
        var time = new MovedTime { Still = DateTimeOffset.UnixEpoch };
        var gauge = new RolloutGauge(time);
        int Taken(int seconds)
        {
            var count = 0;
            for (time.Still += TimeSpan.FromSeconds(seconds); gauge.HasRoom(200) && gauge.TryTake(200); count++)
            {
                // Counted.
            }

            return count;
        }

        Assert.Equal(200, Taken(0));
        Assert.Equal(0, Taken(0));
        Assert.Equal(50, Taken(15));
        Assert.Equal(200, Taken(3600));
        // A clock that is set back gives nothing and takes nothing.
        Assert.Equal(0, Taken(-30));
        Assert.Equal(50, Taken(15));
        Assert.True(new RolloutGauge(time).TryTake(null));
    }
}
