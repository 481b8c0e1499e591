using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Updates;

/// <summary>Flash that forgets or refuses: found by reading back, told, and never a reason to stop what runs.</summary>
public sealed class StorageFaultTests
{
    // 1.0.0 is in slot A, so the update goes to slot B.
    private static readonly int Image = FlashLayout.ImageOffset(1, Bench.SlotCapacity);

    // The records' places come first: two of two blocks for each kind.
    private const int States = 4 * SimulatedFlash.Block;
    private const int Networks = RecordKind.Networks * States;
    private const int NetworksEnd = Networks + States;

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

    [Theory]
    [InlineData("recover")]
    [InlineData("decommission")]
    public async Task A_clearing_whose_end_cannot_be_recorded_spares_what_is_handed_over_afterwards(string action)
    {
        await using var bench = await Bench.RunningAsync();
        var deployment = bench.Server.Deploy(action, action == "recover" ? Build.Recovery() : null);
        while (bench.Device.Agent is not null)
            bench.Device.Step();

        // The recovery image runs, or the wipe; then the state cannot be written any more.
        var isStuck = false;
        bench.Replace(bench.Make(new FaultyFlashStore(bench.Store, (offset, bytes) =>
        {
            if (isStuck && offset < States)
                throw new StorageFaultException("for a while");
            isStuck |= offset is >= Networks and < NetworksEnd;
            return bytes;
        })));
        bench.Device.Radio.Owner = VirtualDevice.HomeFor("next owner");
        for (var turns = 0; turns < 20 && bench.Device.Clock.Uptime < 300; turns++)
            bench.Device.Clock.Advance(bench.Device.Step());
        Assert.True(isStuck);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(0, bench.Device.Agent!.Networks.Count);

        isStuck = false;
        bench.Replace(bench.Make(bench.Store));
        bench.Device.Radio.Owner = VirtualDevice.HomeFor("next owner");
        bench.RunUntilSettled();
        bench.Device.PowerOff();
        bench.RunUntilSettled();

        Assert.Equal("next owner", bench.Device.Agent.Networks.Owner);
        Assert.True(deployment.Over);
        Assert.Equal(RecoveryPhase.None, bench.Device.Agent.State.Phase);
    }

    [Theory]
    [InlineData("recover")]
    [InlineData("decommission")]
    public async Task What_cannot_be_recorded_as_begun_leaves_the_device_running_and_is_taken_up_again(string action)
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Deploy(action, action == "recover" ? Build.Recovery() : null);
        while (bench.Device.Agent is not null)
            bench.Device.Step();

        var isWornOut = true;
        bench.Replace(bench.Make(new FaultyFlashStore(
            bench.Store, (_, bytes) => isWornOut ? throw new StorageFaultException("worn out") : bytes)));
        bench.Run(20);
        Assert.Equal("1.0.0", bench.Running);
        Assert.Equal(1, bench.Device.Agent!.Networks.Count);

        isWornOut = false;
        bench.Device.Radio.Owner = VirtualDevice.HomeFor("next owner");
        bench.RunUntilSettled();

        Assert.Equal("next owner", bench.Device.Agent!.Networks.Owner);
        Assert.Equal(action == "recover" ? 1 : 0, bench.Device.RecoveryRuns);
    }

    [Fact]
    public async Task An_order_that_a_new_device_could_not_record_was_never_taken()
    {
        await using var bench = await Bench.NewDeviceAsync();
        bench.Replace(bench.Make(new FaultyFlashStore(
            bench.Store, (offset, bytes) => offset < States ? throw new StorageFaultException("full") : bytes)));
        bench.Server.Deploy("install", Build.Of("1.0.0"));

        bench.Run(5);

        Assert.Equal(0, bench.Device.Agent!.State.HighestOrder);
        Assert.Equal(SlotState.Empty, bench.Device.Agent.State.Candidate.State);
    }
}
