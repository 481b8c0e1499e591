using Ota.Virtual;

namespace Ota.Agent.Tests.PowerCuts;

/// <summary>How an operation can be torn.</summary>
internal static class Tears
{
    // Up to this many bytes every prefix is tried: all records are shorter. Longer operations are whole blocks and
    // chunks, where one byte is like the next.
    private const int EveryPrefix = 700;
    private const int Stride = 128;

    /// <summary>The few that stand for the rest where every pair is tried: nothing, the middle of a record, all.</summary>
    public static IReadOnlyList<(int Done, int? Noise)> Few { get; } = [(0, null), (200, 7), (int.MaxValue, null)];

    /// <summary>Every prefix of an operation, and every so many of them with noise as well.</summary>
    public static IEnumerable<PowerCut> Of(int operation, int length, int noiseEvery)
    {
        for (var done = 0; done <= length; done = Next(done, length))
        {
            yield return new PowerCut(operation, done);
            if (done % noiseEvery == 0)
                yield return new PowerCut(operation, done, NoiseSeed: operation * 7919 + done);
        }
    }

    public static PowerCut AtRandom(int operation, Random random) =>
        new(operation, random.Next(8) switch
        {
            0 => 0,
            1 => int.MaxValue,
            < 5 => random.Next(EveryPrefix),
            _ => random.Next(SimulatedFlash.Block + 1),
        },
        random.Next(2) == 0 ? null : random.Next());

    private static int Next(int done, int length) =>
        length <= EveryPrefix || done + Stride > length || done < 16 ? done + 1
        : done + Stride + 16 > length ? length - 16
        : done + Stride;
}
