using System.Globalization;
using Ota.Server.Deployments;

namespace Ota.Server.Evidence;

/// <summary>Time and restarts in one band.</summary>
/// <param name="Restarts">Null where nobody tells of them.</param>
/// <param name="PerHour">Restarts an hour; null without a minute observed, and where there is not enough data to tell.</param>
public sealed record BandEvidence(string Band, double Hours, long? Restarts, double? PerHour);

/// <summary>How much more frequent restarts are at a weak signal than elsewhere, with its 95 % confidence interval.</summary>
/// <param name="High">Null when nothing bounds it: there were none elsewhere.</param>
public sealed record RateRatio(double? Value, double Low, double? High);

/// <summary>What a device's restarts have to do with its signal.</summary>
/// <param name="Restarts">Those that nobody meant. Null, as the other two counts, of a client that does not tell when it starts.</param>
/// <param name="Unattributed">Of these, those without a signal measured near them.</param>
/// <param name="Verdict"><c>weak-signal</c>, <c>not-the-signal</c> or <c>not-enough-data</c>.</param>
public sealed record EvidenceReport(
    double Hours,
    long? Restarts,
    long? Intended,
    IReadOnlyList<BandEvidence> Bands,
    long? Unattributed,
    IReadOnlyDictionary<string, long> Causes,
    RateRatio? Ratio,
    string Verdict,
    string Sentence);

/// <summary>Weighs the pieces. Pure: no clock, no database.</summary>
public static class EvidencePolicy
{
    public const int FewestRestarts = 5;
    public const int FewestHours = 24;

    private const double HourMilliseconds = 3_600_000;
    private static readonly string[] BandNames =
        ["-60 dBm or better", "-60 to -70 dBm", "-70 to -80 dBm", "worse than -80 dBm"];

    public static EvidenceReport Weigh(IReadOnlyCollection<Piece> pieces)
    {
        var hours = new double[Enum.GetValues<SignalBand>().Length];
        var restarts = new long[hours.Length];
        var causes = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (var piece in pieces)
        {
            hours[(int)piece.Band] += piece.Observed / HourMilliseconds;
            restarts[(int)piece.Band] += piece.Restarts;
            if (piece.Restarts > 0)
                causes[piece.Cause] = causes.GetValueOrDefault(piece.Cause) + piece.Restarts;
        }

        var all = restarts.Sum();
        var isEnough = all >= FewestRestarts && hours.Sum() >= FewestHours;
        var bands = BandNames.Select((name, band) => new BandEvidence(
            name, hours[band], restarts[band], isEnough && hours[band] > 1.0 / 60 ? restarts[band] / hours[band] : null)).ToArray();
        var weak = bands[(int)SignalBand.Weak];
        var elsewhere = bands.Where(band => band != weak).ToArray();
        var (weakRestarts, otherHours) = (restarts[(int)SignalBand.Weak], elsewhere.Sum(band => band.Hours));
        var otherRestarts = restarts.Take(bands.Length).Sum() - weakRestarts;
        var ratio = isEnough && weak.Hours > 0 && otherHours > 0 && weakRestarts + otherRestarts > 0
            ? Poisson.Ratio(weakRestarts, weak.Hours, otherRestarts, otherHours)
            : null;
        var (verdict, sentence) = Verdict(isEnough, ratio, weak, otherHours, all, hours.Sum(), causes);
        return new EvidenceReport(
            hours.Sum(), all, pieces.Sum(piece => piece.Intended), bands, restarts[(int)SignalBand.Unknown], causes, ratio, verdict, sentence);
    }

    /// <summary>The same of a client that never told of a start: that it counted none means nothing.</summary>
    public static EvidenceReport Untold(EvidenceReport report) => report with
    {
        Restarts = null,
        Intended = null,
        Unattributed = null,
        Bands = [.. report.Bands.Select(band => band with { Restarts = null, PerHour = null })],
        Ratio = null,
        Verdict = "not-enough-data",
        Sentence = "Not enough data: its client does not tell when or why it starts.",
    };

    /// <summary>The same of a unit whose update did not stay: its restarts may be that update's.</summary>
    /// <param name="deployments">Its own, newest first.</param>
    /// <param name="since">From when on evidence was weighed.</param>
    public static EvidenceReport WithFallBack(EvidenceReport report, IEnumerable<DeploymentView> deployments, DateTimeOffset since) =>
        deployments.FirstOrDefault(deployment => deployment.State == "reverted" && deployment.Ended >= since) is { } reverted
            ? report with
            {
                Sentence = report.Sentence + Say($" It fell back from {reverted.Version} on {reverted.Ended:yyyy-MM-dd HH:mm} UTC")
                    + (string.IsNullOrEmpty(reverted.Detail) ? "." : $": {reverted.Detail}."),
            }
            : report;

    // The first that holds is said.
    private static (string Verdict, string Sentence) Verdict(
        bool isEnough, RateRatio? ratio, BandEvidence weak, double otherHours, long restarts, double hours,
        IReadOnlyDictionary<string, long> causes)
    {
        if (!isEnough)
        {
            return ("not-enough-data", Say(
                $"Not enough data: {Count(restarts)} in {hours:0.#} observed hours; a verdict takes {FewestRestarts} restarts and {FewestHours} hours."));
        }

        if (weak.Hours == 0)
        {
            return ("not-the-signal", Say(
                $"The signal was never weaker than −80 dBm in {hours:0.#} observed hours, so it does not explain the {Count(restarts)} ({Leading(causes)})."));
        }

        var share = Say($"{weak.Restarts} of {Count(restarts)} came within 15 minutes of a signal weaker than −80 dBm");
        if (otherHours == 0 || ratio is null)
            return ("not-enough-data", share + "; the signal was never stronger, so there is nothing to compare that with.");
        var figures = Say(
            $"{(ratio.Value is { } value ? value.ToString("0.0", CultureInfo.InvariantCulture) : "many")} times as frequent there as elsewhere (95 % interval {ratio.Low:0.0} to {(ratio.High is { } high ? high.ToString("0.0", CultureInfo.InvariantCulture) : "∞")})");
        return ratio switch
        {
            { Low: > 1 } => ("weak-signal", $"{share}; restarts are {figures}."),
            { High: < 1 } => ("not-the-signal", $"{share}; restarts are rarer there, {figures}, so something else is behind them ({Leading(causes)})."),
            _ => ("not-the-signal", $"{share}; that can be chance: restarts are {figures}."),
        };
    }

    private static string Count(long restarts) => Say($"{restarts} {(restarts == 1 ? "restart" : "restarts")}");

    private static string Leading(IReadOnlyDictionary<string, long> causes) =>
        string.Join(", ", causes.OrderByDescending(cause => cause.Value).Take(2).Select(cause => Say($"{cause.Key} {cause.Value}")));

    private static string Say(FormattableString text) => FormattableString.Invariant(text);
}
