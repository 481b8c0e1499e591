using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Wifi;

public sealed class JoiningTests
{
    [Fact]
    public async Task Failed_joins_erase_nothing_and_after_the_deadline_the_access_point_opens_while_joining_goes_on()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Device.PowerOff();
        bench.Device.Radio.InReach.Clear();
        var open = new List<long>();
        for (var turns = 0; turns < 200; turns++)
        {
            bench.Device.Clock.Advance(bench.Device.Step());
            if (bench.Device.Radio.ProvisioningOpen)
                open.Add(bench.Device.Clock.Uptime);
        }

        Assert.InRange(open[0], 180, 220);
        Assert.Equal(1, bench.Device.Agent!.Networks.Count);

        bench.Device.Radio.InReach[VirtualDevice.HomeSsid] = "virtual-password";
        bench.RunUntilSettled();
        Assert.False(bench.Device.Radio.ProvisioningOpen);
    }

    [Fact]
    public async Task Known_networks_are_tried_newest_first_and_the_rescue_network_last()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Device.Unit.Rescue = new Network { Ssid = "rescue", Password = "on the label" };
        var networks = bench.Device.Agent!.Networks;
        foreach (var ssid in new[] { "first", "second" })
            networks.Add(new Provisioned { Network = new Network { Ssid = ssid, Password = "p" }, Owner = "me" });
        bench.Device.PowerOff();
        bench.Device.Radio.InReach.Clear();
        bench.Device.Radio.InReach["rescue"] = "on the label";
        bench.Device.Radio.Attempts.Clear();

        bench.RunUntilSettled();

        Assert.Equal(["second", "first", VirtualDevice.HomeSsid, "rescue"], bench.Device.Radio.Attempts);
        Assert.Equal(3, bench.Device.Agent.Networks.Count);
    }

    [Fact]
    public async Task A_trial_that_never_joins_reverts_and_says_wifi_timeout()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        while (bench.Device.Agent is not null)
            bench.Device.Step();
        bench.Device.Radio.InReach.Clear();
        for (var turns = 0; turns < 100 && bench.Device.Agent is not { OnTrial: false }; turns++)
            bench.Device.Clock.Advance(bench.Device.Step());

        bench.Device.Radio.InReach[VirtualDevice.HomeSsid] = "virtual-password";
        bench.RunUntilSettled();

        var restart = bench.Server.CheckIns.Last().GetProperty("restart");
        Assert.Equal("wifi-timeout", restart.GetProperty("cause").GetString());
        Assert.Equal("confirm-deadline", bench.Server.Reports[^1].Detail);
    }

    [Fact]
    public void The_oldest_of_too_many_networks_is_pushed_out()
    {
        var layout = new FlashLayout(new SimulatedFlash(new MemoryFlashStore(FlashLayout.SizeFor(4096))), 4096);
        var networks = new Networks(new RecordPair(layout.Records, RecordKind.Networks));
        for (var i = 0; i < 7; i++)
        {
            var network = new Network { Ssid = $"network {i}", Password = "" };
            networks.Add(new Provisioned { Network = network, Owner = "" });
        }

        networks = new Networks(new RecordPair(layout.Records, RecordKind.Networks));

        Assert.Equal(Networks.Most, networks.Count);
        Assert.Equal("network 6", networks[0].Ssid);
        Assert.Equal("network 2", networks[4].Ssid);
    }
}
