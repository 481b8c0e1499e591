using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Wifi;

/// <summary>Only a spent order clears credentials, and nothing that goes wrong ever does.</summary>
public sealed class NeverClearedTests
{
    [Fact]
    public async Task Ten_thousand_failed_joins_and_bad_answers_of_every_kind_never_clear_credentials()
    {
        await using var bench = await Bench.RunningAsync();
        var device = bench.Device;
        device.Unit.Rescue = new Network { Ssid = "rescue", Password = "on the label" };
        var networks = Record(device);
        var operations = device.Flash.Operations;
        var (joins, answers, openings) = (0, 0, 0);
        bench.Server.Intercept = async context =>
        {
            await BadAnswers.All[answers++ % BadAnswers.All.Count](context);
            return true;
        };

        // The network comes and goes; when it is there, something else than the server answers.
        for (var round = 0; joins < 10_000 || answers < 2_000; round++)
        {
            device.Radio.InReach.Clear();
            device.Radio.Forget();
            device.Radio.Attempts.Clear();
            for (var turns = 0; turns < 60; turns++)
                device.Clock.Advance(device.Step());
            joins += device.Radio.Attempts.Count;
            openings += device.Radio.ProvisioningOpen ? 1 : 0;
            Assert.Equal(["rescue", VirtualDevice.HomeSsid], device.Radio.Attempts.Distinct().Order());

            device.Radio.InReach[round % 2 == 0 ? VirtualDevice.HomeSsid : "rescue"] =
                round % 2 == 0 ? "virtual-password" : "on the label";
            for (var turns = 0; turns < 14; turns++)
                device.Clock.Advance(device.Step());
        }

        Assert.InRange(joins, 10_000, int.MaxValue);
        Assert.InRange(answers, 2_000, int.MaxValue);
        Assert.InRange(openings, joins / 60 - 1, int.MaxValue);
        Assert.Equal(networks, Record(device));
        Assert.Equal(operations, device.Flash.Operations);
        Assert.NotNull(device.Agent!.Identity);
        Assert.Equal("1.0.0", bench.Running);

        // And when the right network and the right server are back, it is as if nothing had been.
        device.Radio.InReach[VirtualDevice.HomeSsid] = "virtual-password";
        bench.Server.Intercept = null;
        bench.RunUntilSettled();
        Assert.False(device.Radio.ProvisioningOpen);
    }

    private static string Record(VirtualDevice device) => string.Join(
        ' ', Enumerable.Range(0, 2).Select(i => Convert.ToHexString(device.Records.Read(RecordKind.Networks, i) ?? [])));
}
