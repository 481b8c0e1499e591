using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts;

namespace Ota.Server.Tests.Releases;

/// <summary>Three releases, of which the newest is kept and the days of all are over; each row adds what somebody needs of 1.0.0.</summary>
public sealed class RetentionPolicyTests
{
    private static readonly DateTimeOffset Now = ARelease.Past.AddDays(100);
    private static readonly Release Old = ARelease.Of("1.0.0", uploadedOnDay: 1);
    private static readonly Release[] Three = [Old, ARelease.Of("1.1.0", uploadedOnDay: 2), ARelease.Of("1.2.0", uploadedOnDay: 3)];

    [Fact]
    public void What_nobody_needs_goes_and_the_newest_stay()
    {
        Assert.Equal([null, null, KeepReason.Newest], Reasons(Three));
        Assert.Equal([null, KeepReason.Newest, KeepReason.Newest], Reasons(Three, keep: 2));
        Assert.All(Reasons(Three, keep: null), reason => Assert.Equal(KeepReason.NoRetention, reason));
    }

    [Fact]
    public void What_is_newest_is_counted_for_each_hardware_and_channel()
    {
        var other = Old with { Id = "other", Hardware = ["esp32"], Image = Old.Image with { Sha256 = "o" } };
        var beta = Old with { Id = "beta", Channel = "beta", Image = Old.Image with { Sha256 = "b" } };
        var both = Old with { Id = "both", Hardware = ["virtual", "esp32"], Image = Old.Image with { Sha256 = "c" }, Uploaded = ARelease.Past };

        Assert.Equal([KeepReason.Newest, null, KeepReason.Newest], Reasons([other, both, Three[2]]));
        Assert.Equal([KeepReason.Newest, KeepReason.Newest], Reasons([both, Three[2]]));
        Assert.Equal([KeepReason.Newest, KeepReason.Newest], Reasons([beta, Three[2]]));
    }

    [Fact]
    public void What_was_withdrawn_is_not_counted_among_the_newest()
    {
        var withdrawn = Three[2] with { Withdrawn = ARelease.Past.AddDays(4) };

        Assert.Equal([null, KeepReason.Newest, null], Reasons([Three[0], Three[1], withdrawn]));
    }

    [Theory]
    [InlineData("runs it", KeepReason.Runs)]
    [InlineData("ran it before", KeepReason.MayReturn)]
    [InlineData("says its version and a statement nobody knows", KeepReason.Runs)]
    [InlineData("says its version and no statement", KeepReason.Runs)]
    [InlineData("ran its version before", KeepReason.MayReturn)]
    [InlineData("is to install it", KeepReason.Deployment)]
    [InlineData("returns to it after a recovery", KeepReason.Deployment)]
    [InlineData("runs another", null)]
    [InlineData("says its version on other hardware", null)]
    [InlineData("says its version of another product", null)]
    [InlineData("says its version and the statement of another", null)]
    public void A_release_stays_for_a_device_that(string does, KeepReason? reason)
    {
        var device = ADevice(new Ran("1.2.0", Three[2].Id));
        device = does switch
        {
            "runs it" => ADevice(new Ran("1.0.0", Old.Id)),
            "ran it before" => device with { Before = new Ran("1.0.0", Old.Id) },
            "says its version and a statement nobody knows" => ADevice(new Ran("1.0.0", "unknown")),
            "says its version and no statement" => ADevice(new Ran("1.0.0", null)),
            "ran its version before" => device with { Before = new Ran("1.0.0", null) },
            "is to install it" => device with { Open = ADeployment(Old.Id) },
            "returns to it after a recovery" =>
                device with { Open = ADeployment("a recovery") with { Action = DeploymentAction.Recover, Returns = Old.Id } },
            "says its version on other hardware" => ADevice(new Ran("1.0.0", null)) with { Hardware = "esp32" },
            "says its version of another product" => ADevice(new Ran("1.0.0", null)) with { Product = "pan" },
            "says its version and the statement of another" => ADevice(new Ran("1.0.0", Three[1].Id)),
            _ => device,
        };

        Assert.Equal(reason, Reasons(Three, devices: [device])[0]);
    }

    [Theory]
    [InlineData("all", null, null, null, KeepReason.Rollout)]
    [InlineData("a group", null, null, null, KeepReason.Rollout)]
    // A later one takes its place: for all, for the group; not for others.
    [InlineData("all", "all", "1.2.0", null, null)]
    [InlineData("a group", "all", "1.2.0", null, null)]
    [InlineData("a group", "a group", "1.2.0", null, null)]
    [InlineData("all", "a group", "1.2.0", null, KeepReason.Rollout)]
    [InlineData("a group", "another", "1.2.0", null, KeepReason.Rollout)]
    // Not on hardware that the later one has no build for, nor below a counter, nor when it was withdrawn.
    [InlineData("all", "all", "1.2.0", "other hardware", KeepReason.Rollout)]
    [InlineData("all", "all", "1.2.0", "lower counter", KeepReason.Rollout)]
    [InlineData("all", "all", "1.2.0", "withdrawn", KeepReason.Rollout)]
    [InlineData("all", "all", "1.2.0", "image deleted", KeepReason.Rollout)]
    [InlineData("all", "all", "1.2.0", "untrusted", KeepReason.Rollout)]
    [InlineData("all", "all", "9.9.9", null, KeepReason.Rollout)]
    public void A_release_stays_for_a_rollout_that_may_still_reach_a_device(
        string target, string? later, string? laterVersion, string? but, KeepReason? reason)
    {
        var last = but switch
        {
            "other hardware" => Three[2] with { Hardware = ["esp32"] },
            "withdrawn" => Three[2] with { Withdrawn = Now },
            "image deleted" => Three[2] with { Image = Three[2].Image with { Deleted = Now } },
            "untrusted" => Three[2] with { SignedBy = "gone" },
            _ => Three[2],
        };
        var first = but == "lower counter" ? Old with { SecurityCounter = 1 } : Old;
        Rollout[] rollouts = later is null
            ? [ARollout(1, "1.0.0", target)]
            : [ARollout(2, laterVersion!, later), ARollout(1, "1.0.0", target)];

        Assert.Equal(reason, Reasons([first, Three[1], last], rollouts: rollouts)[0]);
    }

    [Fact]
    public void A_rollout_needs_only_the_builds_it_may_hand_out()
    {
        var esp = Old with { Id = "esp", Hardware = ["esp32"], Image = Old.Image with { Sha256 = "e" } };
        var newer = Three[2] with { Hardware = ["virtual", "esp32"] };

        Assert.Equal(
            [KeepReason.Rollout, null, KeepReason.Newest],
            Reasons([Old, esp, newer], rollouts: [ARollout(1, "1.0.0", "all") with { Hardware = "virtual" }]));
        Assert.Equal(
            [null, KeepReason.Rollout, KeepReason.Rollout],
            Reasons([Old, esp, newer], rollouts:
                [ARollout(2, "1.2.0", "all") with { Hardware = "virtual" }, ARollout(1, "1.0.0", "all")]));
    }

    [Fact]
    public void A_build_for_two_kinds_of_hardware_goes_when_later_rollouts_take_one_each()
    {
        var both = Old with { Hardware = ["virtual", "esp32"] };
        var esp = Three[1] with { Hardware = ["esp32"] };
        Rollout[] rollouts = [ARollout(3, "1.2.0", "all"), ARollout(2, "1.1.0", "all"), ARollout(1, "1.0.0", "all")];

        Assert.Null(Reasons([both, esp, Three[2]], rollouts: rollouts)[0]);
        Assert.Equal(KeepReason.Rollout, Reasons([both, esp, Three[2]], rollouts: rollouts[1..])[0]);
    }

    [Theory]
    [InlineData(29, null, 30, KeepReason.TooSoon)]
    [InlineData(30, null, 30, null)]
    [InlineData(99, 29, 30, KeepReason.TooSoon)]
    [InlineData(99, 30, 30, null)]
    [InlineData(1, 99, 30, KeepReason.TooSoon)]
    public void An_image_stays_for_days_after_the_upload_and_after_it_was_last_needed(int uploaded, int? needed, int days, KeepReason? reason)
    {
        var release = Old with { Uploaded = Now.AddDays(-uploaded), Needed = needed is { } ago ? Now.AddDays(-ago) : null };

        Assert.Equal(reason, Reasons([release, Three[2] with { Uploaded = Now }], days: days)[0]);
    }

    [Fact]
    public void Recovery_builds_stay_unless_withdrawn_and_needed_by_nobody()
    {
        var recovery = Old with { Kind = "recovery" };
        var withdrawn = recovery with { Withdrawn = ARelease.Past.AddDays(2) };

        Assert.Equal(KeepReason.RecoveryBuild, Reasons([recovery, Three[2]])[0]);
        Assert.Null(Reasons([withdrawn, Three[2]])[0]);
        Assert.Equal(
            KeepReason.Deployment,
            Reasons([withdrawn, Three[2]], devices: [ADevice(new Ran("1.2.0", Three[2].Id)) with { Open = ADeployment(withdrawn.Id) }])[0]);
    }

    [Fact]
    public void A_release_that_none_may_skip_stays_unless_withdrawn()
    {
        var step = Old with { IsStep = true };

        Assert.Equal(KeepReason.Step, Reasons([step, Three[2]])[0]);
        Assert.Null(Reasons([step with { Withdrawn = Now }, Three[2]])[0]);
        Assert.Equal(KeepReason.Shared, Reasons([Three[1] with { Image = Old.Image }, step, Three[2]])[0]);
    }

    [Theory]
    [InlineData("a window", KeepReason.Rollout)]
    [InlineData("a rate", KeepReason.Rollout)]
    [InlineData("waves to come", KeepReason.Rollout)]
    [InlineData("not for all", KeepReason.Rollout)]
    [InlineData("a filter", KeepReason.Rollout)]
    [InlineData("its last wave", null)]
    public void A_later_rollout_that_holds_devices_back_leaves_them_to_the_one_before(string with, KeepReason? reason)
    {
        var plan = with switch
        {
            "a window" => APlan(new PlanText(null, null, "01:00-05:00", null, null, null, null, null)),
            "a rate" => APlan(new PlanText(null, null, null, 5, null, null, null, null)),
            "not for all" => APlan(new PlanText(null, ["99%"], null, null, null, null, null, null)),
            "a filter" => APlan(new PlanText("rssi > -70", null, null, null, null, null, null, null)),
            _ => APlan(new PlanText(null, ["50%", "100%"], null, null, null, null, null, null)),
        };
        var later = ARollout(2, "1.2.0", "all") with { Plan = plan, Wave = with == "its last wave" ? 2 : 1 };

        Assert.Equal(reason, Reasons(Three, rollouts: [later, ARollout(1, "1.0.0", "all")])[0]);
    }

    private static RolloutPlan APlan(PlanText text) => RolloutPlan.Read(text, out var fault) ?? throw new InvalidOperationException(fault);

    [Fact]
    public void Bytes_that_two_releases_share_stay_for_either_also_across_products()
    {
        var same = Old with { Id = "same", Version = "0.9.0", Image = Three[2].Image };
        var elsewhere = Three[1] with { Id = "elsewhere", Product = "pan", Image = Old.Image };

        Assert.Equal([KeepReason.Shared, KeepReason.Newest], Reasons([same, Three[2]]));
        Assert.Equal([KeepReason.Shared, KeepReason.Newest, KeepReason.NoRetention], Reasons([Old, Three[2], elsewhere]));
    }

    [Fact]
    public void An_upload_and_an_order_that_is_still_good_keep_an_image()
    {
        Assert.Equal(KeepReason.Uploaded, Reasons(Three, uploaded: Old.Image.Sha256)[0]);
        Assert.Equal(KeepReason.Ordered, Reasons(Three, order: Now.AddSeconds(1))[0]);
        Assert.Null(Reasons(Three, order: Now)[0]);
    }

    [Fact]
    public void What_has_no_image_any_more_is_not_judged() =>
        Assert.Equal(2, Reasons([Old with { Image = Old.Image with { Deleted = Now } }, Three[1], Three[2]]).Length);

    [Theory]
    [InlineData(KeepReason.Runs, true)]
    [InlineData(KeepReason.Rollout, true)]
    [InlineData(KeepReason.Newest, false)]
    [InlineData(KeepReason.NoRetention, false)]
    [InlineData(null, false)]
    public void Days_count_anew_from_when_somebody_needs_it(KeepReason? reason, bool isNeed) =>
        Assert.Equal(isNeed, new ImageVerdict(Old, reason).IsNeeded);

    private static KeepReason?[] Reasons(
        Release[] releases, int? keep = 1, int days = 10, DeviceNeeds[]? devices = null, Rollout[]? rollouts = null,
        string? uploaded = null, DateTimeOffset? order = null)
    {
        var verdicts = RetentionPolicy.Decide(
            new RetentionFacts(
                releases,
                new Dictionary<string, Product>
                {
                    [ARelease.Product] = ARelease.ProductThat(keep is { } newest ? new ImageRetention(newest, days) : null),
                    ["pan"] = ARelease.ProductThat(null, "pan"),
                },
                devices ?? [],
                rollouts ?? [],
                image => image == uploaded,
                release => release == Old.Id ? order : null),
            Now);
        return [.. releases.Join(verdicts, release => release.Id, verdict => verdict.Release.Id, (_, verdict) => verdict.Kept)];
    }

    private static DeviceNeeds ADevice(Ran runs) => new(ARelease.Product, "virtual", runs, Before: null, Open: null);

    private static Deployment ADeployment(string release) => new(
        1, Rollout: null, "device", ARelease.Product, release, DeploymentState.Ordered, Detail: null, ARelease.Past, "someone",
        Offered: null, Ended: null, OrderNumber: 0, DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch);

    private static Rollout ARollout(long id, string version, string target) => new(
        id, ARelease.Product, version, Hardware: null, target == "all" ? RolloutTarget.All : RolloutTarget.Group,
        target == "all" ? null : target, RolloutState.Active, ARelease.Past, "someone", Ended: null);
}
