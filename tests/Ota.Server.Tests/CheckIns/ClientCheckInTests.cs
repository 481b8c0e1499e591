using Ota.Images;
using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;
using Ota.Server.Releases;

namespace Ota.Server.Tests.CheckIns;

/// <summary>What is made of the little that other updaters than ours say.</summary>
public sealed class ClientCheckInTests
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UnixEpoch.AddYears(60);
    private static readonly Release One = Build("1.0.0");
    private static readonly Release Two = Build("1.1.0");
    private static readonly Product Lamp =
        new("lamp", ["esp32"], [], PollSchedule.Parse(PollSchedule.Default, out _)!, 1, KeyCounter: 3, new Dictionary<int, string>(), Now);

    [Theory]
    [InlineData("1.1.0", "1.1.0")]
    [InlineData("v1.1", "1.1.0")]
    [InlineData(" 1.1.0 ", "1.1.0")]
    [InlineData("1.1.0.7", "1.1.0")]
    [InlineData("V1.1.0-rc.1", "1.1.0-rc.1")]
    [InlineData("nightly", ClientCheckIn.UnknownVersion)]
    [InlineData("1.1.0+abc", "1.1.0")]
    public void A_version_is_spelled_as_releases_spell_it(string said, string runs)
    {
        var checkIn = Of(ADevice(), new ClientSays(said));

        Assert.Equal((runs, Telling.Version), (checkIn.Running, checkIn.Tells));
        Assert.Equal(runs == "1.1.0" ? Two.Id : null, checkIn.Release);
    }

    [Fact]
    public void The_version_counts_and_not_the_hash_which_an_updater_may_have_changed() =>
        Assert.Equal(Two.Id, Of(ADevice(), new ClientSays("1.1.0", One.Image.Sha256)).Release);

    [Fact]
    public void A_hash_in_any_case_names_an_image_by_its_sha256_its_md5_or_the_digest_at_its_end()
    {
        foreach (var hash in new[] { Two.Image.Sha256, Two.Image.Md5, Two.ImageSays.Digest! })
        {
            var checkIn = Of(ADevice(), new ClientSays(null, hash.ToUpperInvariant()));
            Assert.Equal(("1.1.0", Two.Id, Telling.Version), (checkIn.Running, checkIn.Release, checkIn.Tells));
        }
    }

    [Fact]
    public void A_hash_that_nobody_knows_says_nothing_the_first_time_and_no_change_the_second()
    {
        var (device, hash) = (ADevice(), new string('e', 32));
        var first = Of(device, new ClientSays(null, hash));
        Assert.Equal((ClientCheckIn.UnknownVersion, Telling.Nothing), (first.Running, first.Tells));

        (device.Heard, device.ToldImage) = (new Heard(first with { Running = "1.0.0", Release = One.Id }, Now, Now, 1), hash);
        var second = Of(device, new ClientSays(null, hash));
        Assert.Equal(("1.0.0", One.Id, Telling.Version), (second.Running, second.Release, second.Tells));
    }

    [Fact]
    public void A_client_that_says_nothing_is_taken_to_run_what_it_fetched_whole_and_else_what_it_ran()
    {
        var device = ADevice();
        device.Heard = new Heard(Of(device, new ClientSays("1.0.0")), Now, Now, 1);
        foreach (var (state, runs) in new[] { (DeploymentState.Offered, One), (DeploymentState.Downloaded, Two) })
        {
            device.Open = Deployment(state);
            var checkIn = Of(device, new ClientSays(null));
            Assert.Equal((runs.Id, Telling.Nothing), (checkIn.Release, checkIn.Tells));
        }
    }

    [Fact]
    public void What_it_was_only_assumed_to_run_is_ordered_again_and_not_confirmed_by_saying_nothing()
    {
        var device = ADevice();
        device.Heard = new Heard(Of(device, new ClientSays("1.1.0")), Now, Now, 1);
        device.Open = Deployment(DeploymentState.Offered);

        Assert.Null(Of(device, new ClientSays(null)).Release);
    }

    [Fact]
    public void It_started_when_its_uptime_says_so_or_with_each_cause_that_comes_without_one()
    {
        var device = ADevice();
        CheckIn Ask(long? uptime, string? cause, TimeSpan after)
        {
            var checkIn = ClientCheckIn.Of(device, Lamp, new ClientSays("1.0.0", Uptime: uptime, RestartCause: cause), Releases(), Now + after);
            device.Heard = new Heard(checkIn, Now + after, Now, 1);
            return checkIn;
        }

        Assert.Equal(("crash", 1), (Ask(10, "crash", default).Restart.Cause, device.Heard!.CheckIn.Restart.Count));
        Assert.Equal(1, Ask(70, "crash", TimeSpan.FromSeconds(60)).Restart.Count);
        Assert.Equal(2, Ask(5, "user", TimeSpan.FromSeconds(600)).Restart.Count);
        Assert.Equal(2, Ask(null, null, TimeSpan.FromSeconds(700)).Restart.Count);
        Assert.Equal(("power-or-unknown", 3), (Ask(null, "brown-out", TimeSpan.FromSeconds(800)).Restart.Cause, device.Heard.CheckIn.Restart.Count));
    }

    [Fact]
    public void What_a_check_in_of_our_agent_has_is_such_that_nothing_is_asked_of_the_client()
    {
        var checkIn = Of(ADevice(), new ClientSays("1.1.0", Rssi: -300, Uptime: long.MaxValue, FreeMemory: long.MaxValue));

        Assert.Equal((SlotState.Confirmed, 0L, 3, 7), (checkIn.Slot, checkIn.LastOrder, checkIn.KeyCounter, checkIn.SecurityCounter));
        Assert.Equal((0, uint.MaxValue, uint.MaxValue), (checkIn.Rssi, checkIn.Uptime, checkIn.FreeMemory));
    }

    private static CheckIn Of(Device device, ClientSays says) => ClientCheckIn.Of(device, Lamp, says, Releases(), Now);

    private static HardwareReleases Releases() => new([Two, One]);

    private static Device ADevice() => new("d", "lamp", "02:00:00:00:00:01", "esp32", Now)
    {
        Client = new ForeignClient(ClientDialect.Esp32, Protection.Md5),
    };

    private static Deployment Deployment(DeploymentState state) => new(
        1, null, "d", "lamp", Two.Id, state, null, Now, "who", Now, null, 1, Now, Now);

    private static Release Build(string version)
    {
        var seed = version[2];
        return new Release(
            "release " + version, "lamp", version, "application", ["esp32"], 7, "stable", null, "", new ReleaseImage(new string(seed, 64), new string(seed, 32), 10, "esp32"),
            new ImageFacts("esp32", Digest: seed + new string('a', 63)), "key", Now, Now, "who", null, null);
    }
}
