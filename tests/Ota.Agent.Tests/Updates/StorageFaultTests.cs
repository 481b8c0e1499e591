using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Updates;

/// <summary>Flash that forgets or refuses: found by reading back, told, and never a reason to stop what runs.</summary>
public sealed class StorageFaultTests
{
    // 1.0.0 is in slot A, so the update goes to slot B.
    private static readonly int Image = FlashLayout.ImageOffset(1, Bench.SlotCapacity);

    [Theory]
    [InlineData(1, "2.0.0", null)]
    [InlineData(100, "1.0.0", "chunk")]
    public async Task A_chunk_that_does_not_read_back_is_written_once_more_and_then_refused(
        int times, string running, string? refused)
    {
        await using var bench = await Bench.RunningAsync();
        var left = times;
        bench.Replace(bench.Make(new FaultyFlashStore(bench.Store, (offset, bytes) =>
        {
            // Erasing works, programming the second chunk loses a bit.
            if (offset == Image + 4096 && bytes[0] != 0xff && left-- > 0)
                bytes[17] ^= 1;
            return bytes;
        })));
        bench.Server.Deploy("install", Build.Of("2.0.0"));

        bench.RunUntilSettled();

        Assert.Equal(running, bench.Running);
        Assert.Equal(refused, bench.Refusals().SingleOrDefault());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5 * SimulatedFlash.Block)]
    public async Task A_slot_that_cannot_be_written_fails_the_deployment_and_says_so(int from)
    {
        await using var bench = await Bench.RunningAsync();
        bench.Replace(bench.Make(new FaultyFlashStore(bench.Store, (offset, bytes) =>
            offset >= Image + from ? throw new StorageFaultException("worn out") : bytes)));
        bench.Server.Deploy("install", Build.Of("2.0.0"));

        bench.RunUntilSettled();

        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(("failed", "storage"), bench.Server.Reports.Select(r => (r.State, r.Detail)).Last());
    }

    [Fact]
    public async Task Flash_that_cannot_be_written_at_all_keeps_the_device_running_and_checking_in()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Replace(bench.Make(new FaultyFlashStore(
            bench.Store, (_, _) => throw new StorageFaultException("worn out"))));
        bench.Server.CheckIns.Clear();
        bench.Server.Deploy("install", Build.Of("2.0.0"));

        bench.Run(10);

        Assert.Equal("1.0.0", bench.Running);
        Assert.InRange(bench.Server.CheckIns.Count, 5, 10);
        Assert.DoesNotContain(bench.Server.Requests, r => r.StartsWith("GET /images/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_trial_that_cannot_be_recorded_is_not_begun()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0"));
        while (bench.Device.Agent is not null)
            bench.Device.Step();

        bench.Replace(bench.Make(new FaultyFlashStore(
            bench.Store, (_, _) => throw new StorageFaultException("worn out"))));
        bench.Device.Step();

        Assert.Equal("1.0.0", bench.Running);
        Assert.False(bench.Device.Agent!.OnTrial);

        // With flash that works again the trial is still to come.
        bench.Replace(bench.Make(bench.Store));
        bench.RunUntilSettled();
        Assert.Equal("2.0.0", bench.Running);
    }

    [Fact]
    public async Task A_confirmation_that_cannot_be_recorded_is_made_up_for()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy("install", Build.Of("2.0.0", counter: 3));
        while (bench.Device.Agent is not null)
            bench.Device.Step();
        var writes = 0;
        bench.Replace(bench.Make(new FaultyFlashStore(bench.Store, (_, bytes) =>
            ++writes is > 2 and < 8 ? throw new StorageFaultException("for a while") : bytes)));

        bench.RunUntilSettled();

        Assert.Equal("2.0.0", bench.Running);
        Assert.Equal(3, bench.Device.Agent!.State.Floor);
        Assert.InRange(writes, 9, 20);
    }
}
