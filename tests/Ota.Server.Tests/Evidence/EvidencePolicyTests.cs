using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Evidence;

namespace Ota.Server.Tests.Evidence;

/// <summary>Figures worked out by hand, and what holds for all figures.</summary>
public sealed class EvidencePolicyTests
{
    private const long Minute = 60_000;
    private const long Hour = 60 * Minute;

    [Fact]
    public void Time_counts_for_the_nearer_sample_and_restarts_for_the_signal_beside_them()
    {
        // 00:00 −55, 02:00 −85, 04:00 −85 after a crash 5 minutes before, 06:00 −65.
        var report = Weigh(
            At(0, -55, 1),
            At(2 * Hour, -85, 1),
            At(4 * Hour, -85, 2, "crash", uptime: 300),
            At(6 * Hour, -65, 2, "crash", uptime: 7500));

        // −55 has the first hour. −85 has 1 h before its first sample, 1 + 1 h up to its second, 1 h after: 4 h. −65 has the last hour.
        Assert.Equal([1.0, 1.0, 0.0, 4.0], report.Bands.Select(band => band.Hours));
        Assert.Equal([0L, 0L, 0L, 1L], report.Bands.Select(band => band.Restarts));
        Assert.Equal(6, report.Hours);
        Assert.Equal(1, report.Causes["crash"]);
    }

    [Theory]
    [InlineData(4, 30, null)]
    [InlineData(5, 19, null)]
    [InlineData(5, 20, 0.25)]
    public void A_rate_is_told_where_there_is_enough_data_to_tell_one(long restarts, long hours, double? perHour)
    {
        var report = EvidencePolicy.Weigh(
        [
            new Piece(0, SignalBand.Weak, hours * Hour, restarts, 0, "crash"), new Piece(0, SignalBand.Good, 4 * Hour),
        ]);

        Assert.Equal(perHour, report.Bands[3].PerHour);
        Assert.Equal(perHour is null, report.Verdict == "not-enough-data");
    }

    // starts, cause, uptime in seconds at 01:00 → restarts, intended, those without a signal near them
    [Theory]
    [InlineData(1, "crash", 60, 1, 0, 0)]
    // Started 40 minutes before it asked, 20 after the sample before: no signal near it.
    [InlineData(1, "crash", 2400, 1, 0, 1)]
    // Started 10 minutes after the sample before.
    [InlineData(1, "crash", 3000, 1, 0, 0)]
    [InlineData(1, "power-or-unknown", 60, 1, 0, 0)]
    [InlineData(1, "wifi-timeout", 60, 1, 0, 0)]
    [InlineData(1, "server-timeout", 60, 1, 0, 0)]
    [InlineData(1, "update", 60, 0, 1, 0)]
    [InlineData(1, "user", 60, 0, 1, 0)]
    [InlineData(2, "recovery", 60, 0, 2, 0)]
    // The update came after two starts that nobody saw.
    [InlineData(3, "update", 60, 2, 1, 2)]
    [InlineData(3, "crash", 60, 3, 0, 2)]
    [InlineData(0, "crash", 60, 0, 0, 0)]
    public void Starts_are_told_apart(int starts, string cause, long uptime, long restarts, long intended, long unattributed)
    {
        var report = Weigh(At(0, -85, 10), At(Hour, -85, 10 + starts, cause, uptime));

        Assert.Equal((restarts, intended, unattributed), (report.Restarts, report.Intended, report.Unattributed));
    }

    [Fact]
    public void What_was_not_watched_counts_for_nothing()
    {
        var twoDays = 48 * Hour;
        // A gap too long, a counter that went back, a sample twice, samples out of order, and a signal that nobody knows.
        Assert.Equal(0, Weigh(At(0, -85, 1), At(twoDays + 1, -85, 9, "crash")).Hours);
        Assert.Equal(48, Weigh(At(0, -85, 1), At(twoDays, -85, 1)).Hours);
        Assert.Equal((0.0, 0L), (Weigh(At(0, -85, 9), At(Hour, -85, 1, "crash")).Hours, Weigh(At(0, -85, 9), At(Hour, -85, 1, "crash")).Restarts));
        Assert.Equal(1, Weigh(At(Hour, -85, 2, "crash"), At(0, -85, 1), At(0, -50, 7)).Restarts);
        Assert.Equal(0, Weigh(At(0, 0, 1), At(Hour, 0, 1)).Bands.Sum(band => band.Hours));
    }

    [Theory]
    [InlineData(-60, SignalBand.Strong)]
    [InlineData(-61, SignalBand.Good)]
    [InlineData(-70, SignalBand.Good)]
    [InlineData(-71, SignalBand.Fair)]
    [InlineData(-80, SignalBand.Fair)]
    [InlineData(-81, SignalBand.Weak)]
    [InlineData(0, SignalBand.Unknown)]
    [InlineData(-30, SignalBand.Strong)]
    public void Bands_end_where_they_say(int rssi, SignalBand band) => Assert.Equal(band, Pieces.BandOf(rssi));

    // Clopper–Pearson limits of a share p as published, at equal hours: the ratio is p / (1 − p).
    // 10 of 20: 0.2720 to 0.7280. 1 of 10: 0.0025 to 0.4450. 0 of 10: 0 to 0.3085. 10 of 10: 0.6915 to 1.
    [Theory]
    [InlineData(10, 10, 1.0, 0.3736, 2.6765)]
    [InlineData(1, 9, 0.1111, 0.0025, 0.8018)]
    [InlineData(0, 10, 0.0, 0.0, 0.4461)]
    [InlineData(10, 0, null, 2.2415, null)]
    public void The_interval_is_the_exact_one(long weak, long other, double? value, double low, double? high)
    {
        var ratio = EvidencePolicy.Weigh(
        [
            new Piece(0, SignalBand.Weak, 50 * Hour, weak, 0, "crash"), new Piece(0, SignalBand.Good, 50 * Hour, other, 0, "crash"),
        ]).Ratio!;

        Near(value, ratio.Value);
        Near(low, ratio.Low);
        Near(high, ratio.High);

        static void Near(double? expected, double? actual)
        {
            Assert.Equal(expected is null, actual is null);
            Assert.True(Math.Abs((expected ?? 0) - (actual ?? 0)) <= 0.002, $"{expected} {actual}");
        }
    }

    // 19 restarts in 30 weak hours are 0.633 an hour, 2 in 70 others 0.0286: 22.2 times as many.
    // Its upper limit by hand: P(X ≤ 19 of 21) = 1 − 21 p²⁰ (1 − p) − p²¹ = 0.025 at p = 0.98825, and 0.98825 / 0.01175 × 70 / 30 = 196.
    // 4 in 96 and 1 in 24 are both one in 24 hours.
    [Theory]
    [InlineData(19, 30, 2, 70, "weak-signal", "19 of 21 restarts came within 15 minutes of a signal weaker than −80 dBm; restarts are 22.2 times as frequent there as elsewhere (95 % interval 5.3 to 196.3).")]
    [InlineData(1, 24, 4, 96, "not-the-signal", "1 of 5 restarts came within 15 minutes of a signal weaker than −80 dBm; that can be chance: restarts are 1.0 times as frequent there as elsewhere (95 % interval 0.0 to 10.1).")]
    [InlineData(0, 90, 9, 10, "not-the-signal", "0 of 9 restarts came within 15 minutes of a signal weaker than −80 dBm; restarts are rarer there, 0.0 times as frequent there as elsewhere (95 % interval 0.0 to 0.1), so something else is behind them (crash 9).")]
    [InlineData(0, 0, 12, 100, "not-the-signal", "The signal was never weaker than −80 dBm in 100 observed hours, so it does not explain the 12 restarts (crash 12).")]
    [InlineData(12, 100, 0, 0, "not-enough-data", "12 of 12 restarts came within 15 minutes of a signal weaker than −80 dBm; the signal was never stronger, so there is nothing to compare that with.")]
    [InlineData(4, 100, 0, 100, "not-enough-data", "Not enough data: 4 restarts in 200 observed hours; a verdict takes 5 restarts and 24 hours.")]
    [InlineData(40, 12, 0, 11.9, "not-enough-data", "Not enough data: 40 restarts in 23.9 observed hours; a verdict takes 5 restarts and 24 hours.")]
    [InlineData(1, 1, 0, 0, "not-enough-data", "Not enough data: 1 restart in 1 observed hours; a verdict takes 5 restarts and 24 hours.")]
    public void The_verdict_is_said_in_one_plain_sentence(
        long weak, double weakHours, long other, double otherHours, string verdict, string sentence)
    {
        var report = EvidencePolicy.Weigh(
        [
            new Piece(0, SignalBand.Weak, (long)(weakHours * Hour), weak, 0, "crash"),
            new Piece(0, SignalBand.Good, (long)(otherHours * Hour), other, 0, "crash"),
        ]);

        Assert.Equal(sentence, report.Sentence);
        Assert.Equal(verdict, report.Verdict);
    }

    [Fact]
    public void Whatever_a_device_says_hours_add_up_and_too_little_of_it_is_no_verdict()
    {
        var sample = from at in Gen.Choose(0, 400)
                     from rssi in Gen.Choose(-100, 0)
                     from starts in Gen.Choose(0, 40)
                     from uptime in Gen.Choose(0, 100_000)
                     from cause in Gen.Elements("update", "recovery", "user", "crash", "power-or-unknown", "wifi-timeout")
                     select new Sample(at * 10 * Minute, rssi, uptime, 1000, starts, cause);
        Prop.ForAll(sample.ListOf().ToArbitrary(), samples =>
        {
            var pieces = Pieces.Of(samples);
            var report = EvidencePolicy.Weigh(pieces);
            var unknown = pieces.Where(piece => piece.Band == SignalBand.Unknown).Sum(piece => piece.Observed) / (double)Hour;
            Assert.Equal(report.Hours, report.Bands.Sum(band => band.Hours) + unknown, precision: 6);
            Assert.Equal(report.Restarts, report.Bands.Sum(band => band.Restarts) + report.Unattributed);
            Assert.Equal(report.Restarts, report.Causes.Values.Sum());
            Assert.True(report.Verdict == "not-enough-data" || (report.Restarts >= 5 && report.Hours >= 24));
            Assert.True(report.Ratio is null || report.Ratio.Low >= 0);
            Assert.True(report.Ratio is not { Value: { } value, High: { } high } || (report.Ratio.Low <= value && value <= high));

            // What somebody meant changes no rate.
            var meant = EvidencePolicy.Weigh([.. pieces, new Piece(0, SignalBand.Weak, 0, 0, Intended: 3, "update")]);
            Assert.Equal(report.Sentence, meant.Sentence);
            Assert.Equal(report.Bands, meant.Bands);
        }).QuickCheckThrowOnFailure();
    }

    private static EvidenceReport Weigh(params Sample[] samples) => EvidencePolicy.Weigh(Pieces.Of(samples));

    private static Sample At(long at, int rssi, long starts, string cause = "power-or-unknown", long uptime = 60) =>
        new(at, rssi, uptime, 1000, starts, cause);
}
