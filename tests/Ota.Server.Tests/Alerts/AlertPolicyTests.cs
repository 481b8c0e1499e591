using System.Globalization;
using Ota.Server.Alerts;
using Ota.Server.Evidence;
using Ota.Server.Products;

namespace Ota.Server.Tests.Alerts;

public sealed class AlertPolicyTests
{
    private const long Minute = 60_000;
    private static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    // Each check-in: minutes since the first, starts so far, cause, and the minutes it has been up.
    [Theory]
    [InlineData("0 1 crash 0", false)]
    [InlineData("0 1 crash 0, 10 2 crash 0, 20 3 crash 0", false)]
    [InlineData("0 1 crash 0, 10 2 crash 0, 20 3 crash 0, 30 4 crash 0", true)]
    // Exactly an hour from the first to the last is within an hour, a minute more is not.
    [InlineData("0 1 crash 0, 10 2 crash 0, 40 3 crash 0, 70 4 crash 0", true)]
    [InlineData("0 1 crash 0, 10 2 crash 0, 40 3 crash 0, 71 4 crash 0", false)]
    // What somebody meant does not count: one start of an update or by a person, two of a recovery.
    [InlineData("0 1 user 0, 10 2 update 0, 20 3 user 0, 30 4 update 0", false)]
    [InlineData("0 1 crash 0, 10 3 recovery 0, 20 5 recovery 0, 30 7 recovery 0", false)]
    [InlineData("0 1 crash 0, 10 5 update 0", true)]
    [InlineData("0 1 crash 0, 10 4 update 0", false)]
    [InlineData("0 1 wifi-timeout 0, 10 2 server-timeout 0, 20 3 power-or-unknown 0, 30 4 wifi-timeout 0", true)]
    // Three starts at once, before it could ask.
    [InlineData("0 1 crash 0, 5 4 crash 0", true)]
    // Three in a day prove no hour with three; sixty do, if the last of them was just now.
    [InlineData("0 1 crash 0, 1440 4 crash 0", false)]
    [InlineData("0 1 crash 0, 1440 61 crash 0", true)]
    [InlineData("0 1 crash 0, 1440 61 crash 200", false)]
    // Another flash under the same name counts anew.
    [InlineData("0 100 crash 0, 10 1 crash 0, 20 2 crash 0", false)]
    public void A_crash_loop_opens_at_three_restarts_within_an_hour_that_nobody_meant(string checkIns, bool opens) =>
        Assert.Equal(opens, AlertPolicy.IsCrashLooping(isOpen: false, Seen(checkIns)));

    [Theory]
    [InlineData("0 1 crash 0, 5 4 crash 0, 64 4 crash 59", true)]
    [InlineData("0 1 crash 0, 5 4 crash 0, 65 4 crash 60", false)]
    // One restart an hour keeps it open, although it would not have opened it.
    [InlineData("0 1 crash 0, 5 4 crash 0, 60 5 crash 0, 115 6 crash 0, 170 6 crash 55", true)]
    [InlineData("0 1 crash 0, 5 4 crash 0, 60 5 update 0, 66 5 update 6", false)]
    public void A_crash_loop_closes_at_a_check_in_an_hour_after_the_last_restart(string checkIns, bool staysOpen) =>
        Assert.Equal(staysOpen, AlertPolicy.IsCrashLooping(isOpen: true, Seen(checkIns)));

    [Theory]
    [InlineData(false, "-81 -81", false)]
    [InlineData(false, "-81 -81 -81", true)]
    [InlineData(false, "-80 -80 -80", false)]
    [InlineData(false, "-90 -90 -80 -90", false)]
    // A signal that nobody knows says nothing either way.
    [InlineData(false, "-81 0 -81 0 -81 0", true)]
    [InlineData(true, "-77 -77", true)]
    [InlineData(true, "-77 -77 -77", false)]
    [InlineData(true, "-77 0 -77 -77", false)]
    // In between it neither opens nor closes.
    [InlineData(true, "-78 -78 -78 -78", true)]
    [InlineData(true, "-70 -70 -78 -70 -70", true)]
    public void A_weak_signal_opens_and_closes_by_three_in_a_row_with_a_gap_between(bool isOpen, string signals, bool isWeak)
    {
        var readings = signals.Split(' ').Select(signal => int.Parse(signal, CultureInfo.InvariantCulture))
            .Select((rssi, i) => new Sample((i + 1) * Minute, rssi, 0, 0, 1, "user"))
            .Aggregate(Readings.None, AlertPolicy.After);

        Assert.Equal(isWeak, AlertPolicy.IsWeak(isOpen, readings));
    }

    [Fact]
    public void A_check_in_that_is_not_later_than_the_last_changes_nothing()
    {
        var readings = Seen("0 1 crash 0, 10 2 crash 0");

        Assert.Same(readings, AlertPolicy.After(readings, new Sample(readings.At, -99, 0, 0, 9, "crash")));
        Assert.Same(readings, AlertPolicy.After(readings, new Sample(readings.At - 1, -99, 0, 0, 9, "crash")));
    }

    [Fact]
    public void Numbers_that_no_device_has_are_survived()
    {
        var readings = AlertPolicy.After(Seen("0 1 crash 0"), new Sample(Minute * 100, -60, long.MaxValue, 0, long.MaxValue, "crash"));

        Assert.Equal([Minute, Minute, Minute], readings.Restarts);
    }

    // Told at noon to ask again after so many minutes; the downtimes as minutes from noon.
    [Theory]
    [InlineData("every 15m", 15, "", 32)]
    // The grace is a tenth of the interval, two minutes at least and an hour at most.
    [InlineData("every 10s", 1, "", 1 + 10.0 / 60 + 2)]
    [InlineData("every 40m", 40, "", 84)]
    [InlineData("every 24h", 24 * 60, "", (2 * 24 + 1) * 60)]
    [InlineData("02:00 UTC", 14 * 60, "", (14 + 24 + 1) * 60)]
    // An offer is asked about after five minutes; the one after that is its own schedule's.
    [InlineData("every 15m", 5, "", 22)]
    // Downtimes before and after what was missed do not matter, nor a short one in between.
    [InlineData("every 15m", 15, "-60 0", 32)]
    [InlineData("every 15m", 15, "18 27", 32)]
    [InlineData("every 15m", 15, "40 50", 32)]
    // What falls into a downtime is not missed: the next one after it counts.
    [InlineData("every 15m", 15, "14 20", 52)]
    [InlineData("every 15m", 15, "10 10000", 10032)]
    [InlineData("every 15m", 15, "29 31", 48)]
    [InlineData("every 15m", 15, "14 20, 34 36", 68)]
    // The server was not there for the grace either.
    [InlineData("every 15m", 15, "16 20", 52)]
    // Nothing is known of the time before the first run that is remembered.
    [InlineData("every 15m", 15, "-1000000 100", 132)]
    public void A_device_is_silent_when_it_missed_two_check_ins_that_the_server_was_there_for(
        string poll, double toldMinutes, string downtimes, double silentFromMinutes)
    {
        Downtime[] down =
        [
            .. downtimes.Split(", ", StringSplitOptions.RemoveEmptyEntries)
                .Select(span => span.Split(' ').Select(minutes => Noon.AddMinutes(int.Parse(minutes, CultureInfo.InvariantCulture))))
                .Select(span => new Downtime(span.First(), span.Last())),
        ];

        var from = AlertPolicy.SilentFrom(Noon.AddMinutes(toldMinutes), PollSchedule.Parse(poll, out _)!, "k7m2q9x4td3w", down);

        Assert.Equal(silentFromMinutes, (from - Noon).TotalMinutes, precision: 6);
    }

    private static Readings Seen(string checkIns) => checkIns.Split(", ").Select(checkIn => checkIn.Split(' '))
        .Select(said => new Sample(
            (1 + long.Parse(said[0], CultureInfo.InvariantCulture)) * Minute, -60, long.Parse(said[3], CultureInfo.InvariantCulture) * 60, 0,
            long.Parse(said[1], CultureInfo.InvariantCulture), said[2]))
        .Aggregate(Readings.None, AlertPolicy.After);
}
