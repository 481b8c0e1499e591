using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Limits;

namespace Ota.Server.Tests.Limits;

public sealed class RatePolicyTests
{
    private static readonly RatePolicy Policy = RatePolicy.AMinute(60, burst: 3);
    private static readonly long Start = new DateTime(2026, 1, 1).Ticks;

    [Theory]
    [InlineData("0 0 0", "yes yes yes")]
    [InlineData("0 0 0 0", "yes yes yes 1")]
    [InlineData("0 0 0 0 0.5 1", "yes yes yes 1 0.5 yes")]
    [InlineData("0 0 0 1 1", "yes yes yes yes 1")]
    [InlineData("0 0 0 10 10 10 10", "yes yes yes yes yes yes 1")]
    [InlineData("0 1 2 3 4 5 6 7", "yes yes yes yes yes yes yes yes")]
    public void So_many_at_once_and_so_many_a_minute_are_taken(string seconds, string taken)
    {
        long mark = 0;

        var said = seconds.Split(' ').Select(second =>
            Policy.Take(ref mark, Start + At(second), Policy.Interval) is { } wait ? wait.TotalSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture) : "yes");

        Assert.Equal(taken, string.Join(' ', said));
    }

    [Fact]
    public void What_costs_a_tenth_may_be_ten_times_as_often()
    {
        long mark = 0;

        Assert.Equal(30, Enumerable.Range(0, 100).Count(_ => Policy.Take(ref mark, Start, Policy.Interval / 10) is null));
    }

    [Fact]
    public void Never_is_more_taken_than_the_burst_and_the_rate_allow_nor_waited_in_vain()
    {
        Prop.ForAll(
            Gen.Choose(1, 6000).Two().ToArbitrary(),
            Gen.Choose(0, 3000).ListOf().ToArbitrary(),
            (limits, pauses) =>
            {
                var (calls, burst) = (limits.Item1, limits.Item2 % 50 + 1);
                var policy = RatePolicy.AMinute(calls, burst);
                var (mark, now, taken) = (0L, Start, new List<long>());
                foreach (var pause in pauses)
                {
                    now += pause * TimeSpan.TicksPerMillisecond;
                    if (policy.Take(ref mark, now, policy.Interval) is not { } wait)
                        taken.Add(now);
                    // Who waits for as long as they are told is let in then, and not a tick before.
                    else if (policy.Wait(RatePolicy.After(mark, now + wait.Ticks, policy.Interval), now + wait.Ticks) is not null
                        || policy.Wait(RatePolicy.After(mark, now + wait.Ticks - 1, policy.Interval), now + wait.Ticks - 1) is null)
                        return false;
                }

                // In every stretch of time, whenever it begins.
                return taken.Index().All(first => taken.Index().Skip(first.Index).All(last =>
                    last.Index - first.Index + 1 <= burst + (last.Item - first.Item) / policy.Interval));
            }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public async Task Of_many_who_take_from_one_mark_at_the_same_time_no_more_get_it_than_may()
    {
        var policy = RatePolicy.AMinute(60, burst: 1000);
        var mark = new long[1];

        var taken = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
            Enumerable.Range(0, 500).Count(_ => policy.Take(ref mark[0], Start, policy.Interval) is null))));

        Assert.Equal(1000, taken.Sum());
    }

    private static long At(string seconds) => (long)(double.Parse(seconds, System.Globalization.CultureInfo.InvariantCulture) * TimeSpan.TicksPerSecond);
}
