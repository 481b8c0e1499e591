using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Updates;

/// <summary>An update from order to confirmation, and the ways a new image fails its trial.</summary>
public sealed class UpdateTests
{
    [Fact]
    public async Task A_new_device_enrolls_and_installs_its_first_release()
    {
        await using var bench = await Bench.NewDeviceAsync();
        bench.Device.Step();
        Assert.Equal("0.0.0", bench.Server.CheckIns.Last().GetProperty("running").GetString());
        Assert.False(bench.Server.CheckIns.Last().TryGetProperty("release", out _));

        bench.Server.Deploy("install", Build.Of("1.0.0"));
        bench.RunUntilSettled();

        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(
            ["accepted", "downloading", "downloaded", "trial", "confirmed"],
            bench.Server.Reports.Select(r => r.State));
    }

    [Fact]
    public async Task An_update_is_confirmed_by_a_trial_check_in_and_then_a_confirmed_one()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.CheckIns.Clear();
        var build = Build.Of("2.0.0", counter: 4);
        bench.Server.Deploy("install", build);

        bench.RunUntilSettled();

        Assert.Equal(
            [
                ("1.0.0", "confirmed", 1, "power-or-unknown"),
                ("2.0.0", "trial", 1, "update"),
                ("2.0.0", "confirmed", 4, "update"),
            ],
            bench.Server.CheckIns.Select(c => (
                c.GetProperty("running").GetString(),
                c.GetProperty("slot").GetString(),
                c.GetProperty("securityCounter").GetInt32(),
                c.GetProperty("restart").GetProperty("cause").GetString())));
        Assert.Equal(build.Hash, bench.Server.CheckIns.Last().GetProperty("release").GetString());
        Assert.Equal(ProtocolServer.Sha256Of(build.Image), bench.Device.BootedSha256);
    }

    [Fact]
    public async Task A_captive_portals_empty_204_does_not_confirm_a_trial()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        bench.Server.Intercept = context =>
        {
            var onTrial = bench.Device.Agent?.OnTrial == true;
            context.Response.StatusCode = onTrial ? 204 : 200;
            return Task.FromResult(onTrial);
        };

        bench.Run(100);

        Assert.Equal("1.0.0", bench.Running);
        Assert.Contains(bench.Server.Reports, report => report is { State: "reverted", Detail: "confirm-deadline" });
    }

    [Fact]
    public async Task A_trial_check_in_answered_with_an_order_confirms_as_well_and_the_order_is_left_for_later()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.OffersOnTrial = true;
        bench.Server.Deploy("install", Build.Of("2.0.0"));

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(
            ["1.0.0", "1.0.0", "2.0.0", "2.0.0"],
            bench.Server.CheckIns.Select(c => c.GetProperty("running").GetString()));
    }

    [Fact]
    public async Task Reports_are_numbered_by_order_and_state()
    {
        await using var bench = await Bench.RunningAsync();
        var deployment = bench.Server.Deploy("install", Build.Of("2.0.0"));

        bench.RunUntilSettled();

        Assert.Equal([1, 2, 3, 4, 5], bench.Server.Reports.Select(r => r.Sequence - deployment.Number * 16));
        Assert.All(bench.Server.Reports, r => Assert.Equal(deployment.Id, r.Deployment));
    }

    [Fact]
    public async Task The_image_before_stays_in_its_slot_to_fall_back_to()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        bench.RunUntilSettled();

        Damage(bench, bench.Device.Agent!.State.Active);
        bench.Device.PowerOff();
        bench.RunUntilSettled();

        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal("1.0.0", bench.Server.CheckIns.Last().GetProperty("running").GetString());
        Assert.Contains(bench.Server.Reports, r => r is { State: "reverted", Detail: "image-damaged" });
    }

    [Fact]
    public async Task A_new_image_damaged_before_its_first_start_is_reverted_without_being_started()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0", counter: 9));
        while (bench.Device.Agent is not null)
            bench.Device.Step();
        Damage(bench, 1);

        bench.RunUntilSettled();

        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(("reverted", "image-damaged"), bench.Server.Reports.Select(r => (r.State, r.Detail)).Last());
        Assert.Equal(1, bench.Device.Agent!.State.Floor);
    }

    [Fact]
    public async Task With_both_images_damaged_the_bootstrap_alone_still_checks_in_and_can_be_repaired()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        bench.RunUntilSettled();
        Damage(bench, 0);
        Damage(bench, 1);

        bench.Device.PowerOff();
        bench.RunUntilSettled();
        Assert.Equal("0.0.0", bench.Server.CheckIns.Last().GetProperty("running").GetString());

        bench.Server.Deploy("install", Build.Of("2.0.1"));
        bench.RunUntilSettled();
        Assert.Equal("2.0.1", bench.Running);
    }

    [Theory]
    [InlineData("OTA-VIRTUAL-NEVER-CHECKS-IN", "confirm-deadline", "server-timeout")]
    [InlineData("OTA-VIRTUAL-CRASHES", "trial-attempts", "crash")]
    public async Task An_image_that_fails_its_trial_is_reverted_and_the_reason_told(
        string marker, string reason, string cause)
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0", counter: 9, content: marker));

        bench.RunUntilSettled();

        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(("reverted", reason), bench.Server.Reports.Select(r => (r.State, r.Detail)).Last());
        var last = bench.Server.CheckIns.Last();
        Assert.Equal(cause, last.GetProperty("restart").GetProperty("cause").GetString());
        Assert.Equal(1, last.GetProperty("securityCounter").GetInt32());
        Assert.DoesNotContain(bench.Server.CheckIns, c => c.GetProperty("running").GetString() == "2.0.0");
    }

    [Fact]
    public async Task A_first_release_that_fails_its_trial_leaves_the_bootstrap()
    {
        await using var bench = await Bench.NewDeviceAsync();
        bench.Server.Deploy("install", Build.Of("1.0.0", content: "OTA-VIRTUAL-CRASHES"));

        bench.RunUntilSettled();

        Assert.Equal("0.0.0", bench.Running);
        Assert.Equal("reverted", bench.Server.Reports[^1].State);
    }

    [Fact]
    public async Task A_trial_whose_server_never_answers_reverts_at_its_deadline()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        bench.Server.Intercept = context =>
        {
            var dead = bench.Device.Agent is { OnTrial: true };
            if (dead)
                context.Abort();
            return Task.FromResult(dead);
        };

        bench.RunUntilSettled();

        Assert.Equal("1.0.0", bench.Running);
        Assert.Contains(bench.Server.Reports, r => r is { State: "reverted", Detail: "confirm-deadline" });
    }

    [Fact]
    public async Task What_reverted_is_not_installed_again_before_the_server_knows()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0", content: "OTA-VIRTUAL-CRASHES"));
        bench.Server.Intercept = context =>
        {
            var lost = context.Request.Path == "/agent/v1/reports";
            if (lost)
                context.Response.StatusCode = 500;
            return Task.FromResult(lost);
        };
        bench.Run(60);

        // Its chunks are still there, so a second installation would show in nothing but a number spent.
        Assert.Equal(2, bench.Device.Agent!.State.HighestOrder);
        Assert.Equal("1.0.0", bench.Running);

        bench.Server.Intercept = null;
        bench.RunUntilSettled();

        Assert.Equal("reverted", bench.Server.Reports[^1].State);
        Assert.Equal("1.0.0", bench.Running);
    }

    [Fact]
    public async Task A_lost_confirmed_check_in_is_repeated_soon()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        var lost = 0;
        bench.Server.Intercept = context =>
        {
            var dead = context.Request.Path == "/agent/v1/check-in"
                && bench.Device.Agent is { OnTrial: false, Running.Version: "2.0.0" }
                && lost++ < 3;
            if (dead)
                context.Abort();
            return Task.FromResult(dead);
        };

        var waited = 0;
        for (var turns = 0; turns < 50; turns++)
        {
            var wait = bench.Device.Step();
            if (bench.Device.Settled)
                break;
            bench.Device.Clock.Advance(wait);
            waited += wait;
        }

        Assert.Equal("confirmed", bench.Server.CheckIns.Last().GetProperty("slot").GetString());
        Assert.Equal("2.0.0", bench.Server.CheckIns.Last().GetProperty("running").GetString());
        Assert.InRange(waited, 1, 600);
    }

    [Fact]
    public async Task A_confirmed_check_in_lost_to_a_power_cut_is_repeated_after_the_start()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        bench.Server.Intercept = context =>
        {
            var dead = bench.Device.Agent is { OnTrial: false, Running.Version: "2.0.0" };
            if (dead)
                context.Abort();
            return Task.FromResult(dead);
        };
        bench.Run(8);
        Assert.False(bench.Device.Agent!.OnTrial);

        bench.Server.Intercept = null;
        bench.Device.PowerOff();
        bench.RunUntilSettled();

        Assert.Equal("confirmed", bench.Server.CheckIns.Last().GetProperty("slot").GetString());
        Assert.Contains(bench.Server.Reports, r => r.State == "confirmed");
    }

    [Fact]
    public async Task Keys_rotate_by_an_old_keys_word_and_the_old_key_is_done()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("rotate", null, keys: Vectors.Text("keys.jws"));
        bench.RunUntilSettled();
        Assert.Equal("confirmed", bench.Server.Reports[^1].State);

        bench.Server.Deploy("install", Build.Of("2.0.0"));
        bench.RunUntilSettled();
        Assert.Equal(["statement-signature"], bench.Refusals());

        var image = Build.ImageOf("signed by the next key");
        bench.Server.Deploy("install", new Build(Build.Stated("2.0.0", 1, image).Sign(Vectors.NextKey), image));
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Fact]
    public async Task A_rotation_whose_report_was_lost_is_confirmed_when_it_is_ordered_again()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("rotate", null, keys: Vectors.Text("keys.jws"));
        bench.RunUntilSettled();

        bench.Server.Deploy("rotate", null, keys: Vectors.Text("keys.jws"));
        bench.RunUntilSettled();

        Assert.Equal(["confirmed", "confirmed"], bench.Server.Reports.Select(r => r.State));
    }

    private static void Damage(Bench bench, int slot) =>
        bench.Store.Write(Ota.Virtual.FlashLayout.ImageOffset(slot, Bench.SlotCapacity) + 4200, [1, 2, 3]);
}
