using Ota.Server.Webhooks;

namespace Ota.Server.Tests.Webhooks;

public sealed class DeliveryPolicyTests
{
    private static readonly DateTimeOffset Created = DateTimeOffset.UnixEpoch.AddDays(100);

    [Theory]
    [InlineData(1, 0, 10)]
    [InlineData(2, 0, 20)]
    [InlineData(12, 0, 20480)]
    [InlineData(13, 0, 8 * 3600)]
    [InlineData(1_000_000, 0, 8 * 3600)]
    // The last attempt is when three days are over.
    [InlineData(20, 70, 2 * 3600)]
    [InlineData(20, 72, null)]
    [InlineData(1, 100, null)]
    public void Each_failure_doubles_the_wait_up_to_eight_hours_until_three_days_are_over(long attempts, int hoursOld, int? seconds)
    {
        var now = Created.AddHours(hoursOld);

        Assert.Equal(seconds is { } wait ? now.AddSeconds(wait) : null, DeliveryPolicy.Next(attempts, Created, now, chance: 0.5));
    }

    [Fact]
    public void Chance_spreads_a_wait_over_a_quarter_to_both_sides()
    {
        Assert.Equal(Created.AddSeconds(7.5), DeliveryPolicy.Next(1, Created, Created, chance: 0));
        Assert.Equal(Created.AddSeconds(12.5), DeliveryPolicy.Next(1, Created, Created, chance: 1));
    }

    [Fact]
    public void Three_days_take_some_twenty_attempts()
    {
        var (now, attempts) = (Created, 1);
        while (DeliveryPolicy.Next(attempts, Created, now, chance: 0.5) is { } next)
            (now, attempts) = (next, attempts + 1);

        Assert.Equal(Created.AddDays(3), now);
        Assert.InRange(attempts, 18, 22);
    }
}
