using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Recovery;

public sealed class RecoveryTests
{
    [Theory]
    [InlineData("recovery")]
    [InlineData("OTA-VIRTUAL-CRASHES")]
    public async Task A_recovery_clears_wifi_and_owner_once_and_returns_to_the_release_before(string image)
    {
        await using var bench = await Bench.RunningAsync();
        var deployment = bench.Server.Deploy("recover", Build.Recovery(image));

        bench.Run(10);

        // Provisioning mode: no network known, the access point open, the identity kept.
        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(0, bench.Device.Agent!.Networks.Count);
        Assert.Equal("", bench.Device.Agent.Networks.Owner);
        Assert.True(bench.Device.Radio.ProvisioningOpen);
        Assert.NotNull(bench.Device.Agent.Identity);
        AssertNoTraceOfThePassword(bench);

        bench.Device.Radio.Owner = VirtualDevice.HomeFor("next owner");
        bench.Device.Radio.CloseProvisioning();
        bench.RunUntilSettled();

        Assert.Equal("next owner", bench.Device.Agent.Networks.Owner);
        Assert.Equal(["accepted", "downloading", "downloaded", "confirmed"], bench.Server.Reports.Select(r => r.State));
        Assert.Equal("cleared", bench.Server.Reports[^1].Detail);
        var last = bench.Server.CheckIns.Last();
        Assert.Equal("1.0.0", last.GetProperty("running").GetString());
        Assert.Equal("recovery", last.GetProperty("restart").GetProperty("cause").GetString());
        Assert.Equal(deployment.Number, last.GetProperty("lastOrder").GetInt64());
    }

    [Fact]
    public async Task A_recovery_image_never_raises_the_floor()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Device.Radio.Owner = VirtualDevice.HomeFor("owner");
        bench.Server.Deploy("recover", Build.Recovery(counter: 7));

        bench.RunUntilSettled();

        Assert.Equal(1, bench.Device.Agent!.State.Floor);
    }

    [Fact]
    public async Task A_recovery_of_a_device_that_runs_nothing_leaves_the_bootstrap_in_provisioning_mode()
    {
        await using var bench = await Bench.NewDeviceAsync();
        bench.Device.Radio.Owner = VirtualDevice.HomeFor("owner");
        bench.Server.Deploy("recover", Build.Recovery());

        bench.RunUntilSettled();

        Assert.Equal("0.0.0", bench.Running);
        Assert.Equal("owner", bench.Device.Agent!.Networks.Owner);
        Assert.Contains(bench.Server.Reports, r => r is { State: "confirmed", Detail: "cleared" });
    }

    [Fact]
    public async Task A_recovery_image_damaged_before_it_ran_clears_nothing_and_says_so()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("recover", Build.Recovery());
        while (bench.Device.Agent is not null)
            bench.Device.Step();
        bench.Store.Write(FlashLayout.ImageOffset(1, Bench.SlotCapacity) + 10, [1, 2, 3]);

        bench.RunUntilSettled();

        Assert.Equal(1, bench.Device.Agent!.Networks.Count);
        Assert.Equal(("failed", "image-damaged"), bench.Server.Reports.Select(r => (r.State, r.Detail)).Last());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_decommission_wipes_networks_owner_and_identity_and_the_device_can_enroll_anew(bool gone)
    {
        await using var bench = await Bench.RunningAsync();
        var deployment = bench.Server.Deploy("decommission", null);
        bench.Server.Intercept = context =>
        {
            if (gone && !deployment.Over && context.Request.Path == "/agent/v1/check-in")
                context.Response.OnStarting(() => Task.FromResult(context.Response.StatusCode = 410));
            return Task.FromResult(false);
        };

        bench.Run(6);

        Assert.Equal("1.0.0", bench.Running);
        Assert.Null(bench.Device.Agent!.Identity);
        Assert.Equal(0, bench.Device.Agent.Networks.Count);
        AssertNoTraceOfThePassword(bench);
        Assert.Equal("accepted", bench.Server.Reports[^1].State);

        bench.Device.Radio.Owner = VirtualDevice.HomeFor("next owner");
        bench.Device.Radio.CloseProvisioning();
        bench.RunUntilSettled();
        Assert.NotNull(bench.Device.Agent.Identity);

        // Under the same order key the numbers go on: the old order does not come back.
        Assert.Equal(deployment.Number, bench.Server.CheckIns.Last().GetProperty("lastOrder").GetInt64());
    }

    private static void AssertNoTraceOfThePassword(Bench bench)
    {
        var flash = new byte[FlashLayout.SizeFor(Bench.SlotCapacity)];
        bench.Store.Read(0, flash);
        Assert.Equal(-1, flash.AsSpan().IndexOf("virtual-password"u8));
    }
}
