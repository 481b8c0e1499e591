using Ota.Virtual;

namespace Ota.Agent.Tests.Slots;

public sealed class RecordPairTests
{
    [Fact]
    public void The_places_are_written_in_turn_and_the_newer_counts()
    {
        var records = Records(out var flash);
        for (byte i = 1; i < 10; i++)
        {
            new RecordPair(records, RecordKind.State).Write([i]);
            Assert.Equal([i], new RecordPair(records, RecordKind.State).Read());
        }

        Assert.Equal(9, flash.Erases);
        Assert.NotNull(records.Read(RecordKind.State, 0));
        Assert.NotNull(records.Read(RecordKind.State, 1));
    }

    [Fact]
    public void A_torn_write_leaves_the_record_before_and_the_next_write_goes_over_the_torn_one()
    {
        foreach (var done in new[] { 0, 1, 11, 20, int.MaxValue })
        {
            for (var operation = 1; operation <= 2; operation++)
            {
                var records = Records(out var flash);
                var pair = new RecordPair(records, RecordKind.State);
                pair.Write([1]);
                pair.Write([2]);
                var whole = operation == 2 && done == int.MaxValue;
                flash.Cut = new PowerCut(flash.Operations + operation, done, NoiseSeed: whole ? null : 3);
                Assert.Throws<PowerCutException>(() => pair.Write([3]));

                Assert.Equal([(byte)(whole ? 3 : 2)], new RecordPair(records, RecordKind.State).Read());
                new RecordPair(records, RecordKind.State).Write([4]);
                Assert.Equal([4], new RecordPair(records, RecordKind.State).Read());
            }
        }
    }

    [Fact]
    public void Any_flipped_bit_makes_the_other_place_count()
    {
        var records = Records(out _);
        var pair = new RecordPair(records, RecordKind.State);
        pair.Write([1, 2, 3]);
        pair.Write([4, 5, 6]);
        var newer = records.Read(RecordKind.State, 1)!;
        for (var bit = 0; bit < newer.Length * 8; bit++)
        {
            var flipped = newer.ToArray();
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            records.Write(RecordKind.State, 1, flipped);
            Assert.Equal([1, 2, 3], new RecordPair(records, RecordKind.State).Read());
        }
    }

    [Fact]
    public void A_record_of_one_kind_is_none_of_another()
    {
        var records = Records(out _);
        new RecordPair(records, RecordKind.State).Write([1]);
        records.Write(RecordKind.Identity, 0, records.Read(RecordKind.State, 0)!);

        Assert.Null(new RecordPair(records, RecordKind.Identity).Read());
    }

    [Fact]
    public void Clearing_twice_writes_once()
    {
        var records = Records(out var flash);
        var pair = new RecordPair(records, RecordKind.Networks);
        pair.Write([1]);
        pair.Write([2]);
        pair.Clear();
        var operations = flash.Operations;

        pair.Clear();

        Assert.Equal(operations, flash.Operations);
        Assert.Empty(pair.Read());
    }

    private static IRecords Records(out SimulatedFlash flash)
    {
        flash = new SimulatedFlash(new MemoryFlashStore(FlashLayout.SizeFor(4096)));
        return new FlashLayout(flash, 4096).Records;
    }
}
