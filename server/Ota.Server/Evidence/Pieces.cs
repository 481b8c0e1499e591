namespace Ota.Server.Evidence;

/// <summary>
/// Turns samples into what is known between them. Pure. A signal counts for the half of the gap that is nearer to its sample; a gap
/// longer than two days is not observed, and neither are its restarts.
/// </summary>
public static class Pieces
{
    /// <summary>A restart is held against a signal that was measured this close to it.</summary>
    public static readonly TimeSpan Near = TimeSpan.FromMinutes(15);

    /// <summary>Between two nightly polls there is a day; one missed is still a device that is seen.</summary>
    public static readonly TimeSpan LongestGap = TimeSpan.FromHours(48);

    /// <summary>A restart whose cause the device could not tell, because it started more than once before it could ask.</summary>
    public const string UnknownCause = "unknown";

    /// <param name="samples">In any order; a second one of the same moment is ignored.</param>
    public static IReadOnlyList<Piece> Of(IEnumerable<Sample> samples)
    {
        var pieces = new List<Piece>();
        Sample? before = null;
        foreach (var sample in samples.OrderBy(sample => sample.At))
        {
            if (before is not null && sample.At > before.At)
                Add(pieces, before, sample);
            if (before is null || sample.At > before.At)
                before = sample;
        }

        return pieces;
    }

    public static SignalBand BandOf(int rssi) => rssi switch
    {
        0 => SignalBand.Unknown,
        >= -60 => SignalBand.Strong,
        >= -70 => SignalBand.Good,
        >= -80 => SignalBand.Fair,
        _ => SignalBand.Weak,
    };

    /// <summary>How many of the starts that end with this cause somebody meant. A recovery starts twice: into its image, and back.</summary>
    public static long IntendedStarts(string cause) => cause switch
    {
        "update" or "user" => 1,
        "recovery" => 2,
        _ => 0,
    };

    private static void Add(List<Piece> pieces, Sample before, Sample after)
    {
        var gap = after.At - before.At;
        var starts = after.Restarts - before.Restarts;

        // A counter that went back is another flash, or another unit under the same name: nothing is known between the two.
        if (starts < 0 || gap > LongestGap.TotalMilliseconds)
            return;
        pieces.Add(new Piece(before.At, BandOf(before.Rssi), gap / 2));
        pieces.Add(new Piece(before.At + gap / 2, BandOf(after.Rssi), gap - gap / 2));
        if (starts == 0)
            return;
        var intended = Math.Min(starts, IntendedStarts(after.Cause));
        if (intended > 0)
            pieces.Add(new Piece(after.At, BandOf(after.Rssi), 0, Intended: intended, Cause: after.Cause));

        // The last start is known; of those before it only that they were.
        var last = intended == 0 ? 1 : 0;
        if (last > 0)
            pieces.Add(new Piece(after.At, BandAtStart(before, after), 0, Restarts: 1, Cause: after.Cause));
        var others = starts - intended - last;
        if (others > 0)
        {
            var band = gap <= Near.TotalMilliseconds ? BandOf(after.Rssi) : SignalBand.Unknown;
            pieces.Add(new Piece(after.At, band, 0, Restarts: others, Cause: UnknownCause));
        }
    }

    private static SignalBand BandAtStart(Sample before, Sample after)
    {
        var start = after.At - after.Uptime * 1000;
        if (after.At - start <= Near.TotalMilliseconds && after.Rssi != 0)
            return BandOf(after.Rssi);
        return start >= before.At && start - before.At <= Near.TotalMilliseconds ? BandOf(before.Rssi) : SignalBand.Unknown;
    }
}
