using System.Collections.Concurrent;
using System.Diagnostics;
using Ota.Virtual;

namespace Ota.Agent.Tests.PowerCuts;

/// <summary>
/// The power is cut at every flash operation of every flow that writes, torn at every byte of a record, with noise and
/// without, and then once more while the device picks itself up. A case that fails is replayed by setting
/// <c>OTA_POWER_CUT</c> to its scenario and cuts as printed.
/// </summary>
public sealed class PowerCutTests
{
    private const int SeededInShort = 500;
    private const int SeededInLong = 50_000;
    private static readonly bool Long = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1";

    [Fact]
    public void Wherever_the_power_is_cut_once_or_twice_the_device_comes_up_whole_and_finishes()
    {
        var clock = Stopwatch.StartNew();
        var tally = new ConcurrentDictionary<string, int>();
        var failures = new ConcurrentQueue<string>();
        Parallel.ForEach(Work(), work =>
        {
            foreach (var cuts in work.Cuts)
            {
                var outcome = Life.Run(work.Scenario, cuts);
                tally.AddOrUpdate(work.Kind, 1, (_, count) => count + 1);
                if (outcome.Fault is not null)
                    failures.Enqueue($"OTA_POWER_CUT='{work.Scenario.Name} {string.Join(' ', cuts)}': {outcome.Fault}");
            }
        });

        var kinds = string.Join(", ", tally.OrderBy(kind => kind.Key).Select(kind => $"{kind.Key} {kind.Value}"));
        Console.WriteLine($"cases: {tally.Values.Sum()}, failures: {failures.Count}");
        Console.WriteLine($"cases by kind: {kinds}, in {clock.Elapsed.TotalSeconds:F0} s");
        Assert.True(failures.IsEmpty, string.Join('\n', failures.Order().Take(20)));
        Assert.True(tally.Values.Sum() >= 20_000, "Too few cases to mean anything.");
    }

    [Fact]
    public void The_case_given_by_OTA_POWER_CUT_is_replayed()
    {
        var given = Environment.GetEnvironmentVariable("OTA_POWER_CUT") ?? "update 3:200:7 2:0";
        var words = given.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var scenario = Scenario.Named(words[0]);

        var outcome = Life.Run(scenario, [.. words.Skip(1).Select(Read)]);

        Assert.Null(outcome.Fault);
        Assert.Equal(words.Length - 1, outcome.CutsReached);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void A_device_that_kept_its_records_in_one_place_only_would_be_caught(int kind)
    {
        var names = new[] { "update", "decommission", "rotation" };
        var scenario = Scenario.Named(names[kind]);
        var operations = Life.Trace(scenario).Count;

        var faults = Enumerable.Range(1, operations)
            .Select(operation => Life.Run(
                scenario, [new PowerCut(operation, 20)], new OnePlaceStore(scenario.Start.Clone())))
            .Where(outcome => outcome.Fault is not null);

        Assert.NotEmpty(faults);
    }

    private static IEnumerable<Share> Work()
    {
        foreach (var scenario in Scenario.All)
        {
            var trace = Life.Trace(scenario);
            for (var i = 0; i < trace.Count; i++)
            {
                var (operation, length) = (i + 1, trace[i]);
                yield return new Share("single", scenario, Singles(scenario, operation, length));
                if (Long || !scenario.IsSampled)
                    yield return new Share("double", scenario, Doubles(scenario, operation));
            }

            var seeds = Long ? SeededInLong : SeededInShort;
            for (var from = 0; from < seeds; from += 100)
                yield return new Share("seeded double", scenario, Seeded(trace.Count, from, Math.Min(seeds, from + 100)));
        }
    }

    private static IEnumerable<PowerCut[]> Singles(Scenario scenario, int operation, int length)
    {
        var cuts = Long ? Tears.Of(operation, length, noiseEvery: 1)
            : scenario.IsSampled ? Tears.Few.Select(tear => new PowerCut(operation, tear.Done, tear.Noise))
            : Tears.Of(operation, length, noiseEvery: 8);
        return cuts.Select(cut => new[] { cut });
    }

    // The second cut moves on until the flow is over before it comes.
    private static IEnumerable<PowerCut[]> Doubles(Scenario scenario, int operation)
    {
        foreach (var (firstDone, firstNoise) in Tears.Few)
        {
            var first = new PowerCut(operation, firstDone, firstNoise);
            var left = OperationsAfter(scenario, first);
            for (var second = 1; second <= left; second++)
            {
                foreach (var (done, noise) in Tears.Few)
                    yield return [first, new PowerCut(second, done, noise)];
            }
        }
    }

    private static int OperationsAfter(Scenario scenario, PowerCut first)
    {
        var trace = new List<int>();
        Life.Run(scenario, [first], scenario.Start.Clone(), trace);
        return trace.Count - (int)first.Operation;
    }

    private static IEnumerable<PowerCut[]> Seeded(int operations, int from, int to)
    {
        for (var seed = from; seed < to; seed++)
        {
            var random = new Random(seed);
            yield return
            [
                Tears.AtRandom(random.Next(1, operations + 1), random),
                Tears.AtRandom(random.Next(1, operations + 1), random),
            ];
        }
    }

    private static PowerCut Read(string written)
    {
        var parts = written.Split(':');
        return new PowerCut(
            long.Parse(parts[0], null), int.Parse(parts[1], null), parts.Length < 3 ? null : int.Parse(parts[2], null));
    }

    private sealed record Share(string Kind, Scenario Scenario, IEnumerable<PowerCut[]> Cuts);

    // Both places of every record are the same bytes of flash.
    private sealed class OnePlaceStore(FlashStore inner) : FlashStore
    {
        private const int Place = 2 * SimulatedFlash.Block;

        public override void Read(int offset, Span<byte> into) => inner.Read(Moved(offset), into);

        public override void Write(int offset, ReadOnlySpan<byte> bytes) => inner.Write(Moved(offset), bytes);

        private static int Moved(int offset) =>
            offset < RecordKind.Count * 2 * Place && offset / Place % 2 == 1 ? offset - Place : offset;
    }
}
