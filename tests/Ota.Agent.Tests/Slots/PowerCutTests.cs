using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Slots;

/// <summary>
/// The power is cut at every single flash operation of a whole flow, before, in the middle of and after it. The device
/// must come up with the whole old or the whole new image, and in the end get where it was to go.
/// </summary>
public sealed class PowerCutTests
{
    public static TheoryData<double, int?> Tears => new()
    {
        { 0, null }, { 0.01, null }, { 0.5, null }, { 0.5, 7 }, { 0.99, null }, { 1, null },
    };

    [Theory]
    [MemberData(nameof(Tears))]
    public async Task An_update_survives_a_cut_at_every_flash_operation(double done, int? noise)
    {
        await using var bench = await Bench.RunningAsync();
        var build = Build.Of("2.0.0", counter: 5);
        var images = new[] { ProtocolServer.Sha256Of(Build.Of("1.0.0").Image), ProtocolServer.Sha256Of(build.Image) };
        var cuts = await CutEverywhereAsync(bench, "install", build, done, noise, device =>
        {
            // What it runs right after the cut, by the bytes it really started.
            Assert.Contains(device.BootedSha256, images);
            Assert.Equal(device.Agent!.Running.Sha256, device.BootedSha256);
        });
        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(5, bench.Device.Agent!.State.Floor);
        Assert.InRange(cuts, 15, 100);
    }

    [Theory]
    [MemberData(nameof(Tears))]
    public async Task A_recovery_survives_a_cut_at_every_flash_operation(double done, int? noise)
    {
        await using var bench = await Bench.RunningAsync();
        var image = ProtocolServer.Sha256Of(Build.Of("1.0.0").Image);
        await CutEverywhereAsync(
            bench, "recover", Build.Recovery(), done, noise, device =>
            {
                Assert.Equal(image, device.BootedSha256);
                Assert.InRange(device.RecoveryRuns, 0, 1);
            });
        Assert.Equal(1, bench.Device.RecoveryRuns);
        Assert.Equal("next owner", bench.Device.Agent!.Networks.Owner);
    }

    [Theory]
    [MemberData(nameof(Tears))]
    public async Task A_decommission_survives_a_cut_at_every_flash_operation(double done, int? noise)
    {
        await using var bench = await Bench.RunningAsync();
        var image = ProtocolServer.Sha256Of(Build.Of("1.0.0").Image);
        await CutEverywhereAsync(
            bench, "decommission", null, done, noise, device => Assert.Equal(image, device.BootedSha256));
        Assert.Equal("next owner", bench.Device.Agent!.Networks.Owner);
    }

    [Fact]
    public async Task A_rotation_survives_a_cut_at_every_flash_operation()
    {
        await using var bench = await Bench.RunningAsync();
        await CutEverywhereAsync(bench, "rotate", null, 0.5, 7, device => { }, Vectors.Text("keys.jws"));
        Assert.Equal("confirmed", bench.Server.Reports[^1].State);
    }

    // Each cut starts from the same flash; ends when the flow has no operation left to cut.
    private static async Task<int> CutEverywhereAsync(
        Bench bench,
        string action,
        Build? build,
        double done,
        int? noise,
        Action<VirtualDevice> afterCut,
        string? keys = null)
    {
        bench.Device.Radio.Owner = VirtualDevice.HomeFor("next owner");
        var start = bench.Store.Clone();
        for (var operation = 1; ; operation++)
        {
            var device = bench.Make(start.Clone());
            device.Radio.Owner = VirtualDevice.HomeFor("next owner");
            device.Flash.Cut = new PowerCut(operation, done, noise);
            bench.Replace(device);
            var deployment = bench.Server.Deploy(action, build, keys: keys);
            var isCut = false;
            try
            {
                bench.RunUntilSettled();
            }
            catch (PowerCutException)
            {
                isCut = true;
                StartAgain(device, afterCut);
                bench.RunUntilSettled();
            }

            Assert.True(deployment.Over, $"cut at {operation}: the deployment never ended");
            Assert.InRange(device.RecoveryRuns, 0, 1);
            Assert.DoesNotContain(bench.Server.Reports, r => r.State is "refused" or "failed" or "reverted");
            if (!isCut)
                return operation - 1;
            await Task.Yield();
        }
    }

    private static void StartAgain(VirtualDevice device, Action<VirtualDevice> afterCut)
    {
        // A start in the middle of a recovery restarts once more; what counts is what it comes to rest in.
        for (var starts = 0; starts < 5; starts++)
        {
            device.Step();
            if (device.Agent is null)
                continue;
            afterCut(device);
            return;
        }

        Assert.Fail("It does not come up.");
    }
}
