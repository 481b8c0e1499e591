using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Updates;

/// <summary>What an update and a check-in cost the flash.</summary>
public sealed class WearTests
{
    [Fact]
    public async Task A_check_in_that_changes_nothing_writes_nothing()
    {
        await using var bench = await Bench.RunningAsync();
        var before = bench.Device.Flash.Operations;

        bench.Run(100);

        Assert.Equal(before, bench.Device.Flash.Operations);
        Assert.InRange(bench.Server.CheckIns.Count, 100, 102);
    }

    [Fact]
    public async Task An_update_costs_its_image_once_and_at_most_eight_small_records()
    {
        await using var bench = await Bench.RunningAsync();
        var build = Build.Of("2.0.0", size: 50_000);
        bench.Server.Deploy("install", build);
        var flash = bench.Device.Flash;
        var (erases, programmed) = (flash.Erases, flash.Programmed);

        bench.RunUntilSettled();

        // Image and statement take one erase a block and one byte a byte; the rest is records of one block each.
        var image = (build.Image.Length + 4095) / 4096 + 1;
        var records = flash.Erases - erases - image;
        Assert.InRange(records, 1, 8);
        var inRecords = flash.Programmed - programmed - build.Image.Length - build.Statement.Length - 4;
        Assert.InRange(inRecords, 1, records * 700);
    }

    [Fact]
    public async Task A_start_costs_one_record()
    {
        await using var bench = await Bench.RunningAsync();
        var before = bench.Device.Flash.Erases;

        bench.Device.PowerOff();
        bench.RunUntilSettled();

        Assert.Equal(before + 1, bench.Device.Flash.Erases);
    }
}
