using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Products;

namespace Ota.Server.Tests.Products;

public sealed class PollScheduleTests
{
    [Theory]
    [InlineData("02:00 UTC", "2026-03-01T01:00:00Z", "2026-03-01T02:00:00Z")]
    [InlineData("02:00 UTC", "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z")]
    // Adelaide's clocks jump from 02:00 to 03:00 on 2026-10-04 at 16:30Z: 02:30 does not come, so it is the jump that counts.
    [InlineData("02:30 Australia/Adelaide", "2026-10-03T12:00:00Z", "2026-10-03T16:30:00Z")]
    [InlineData("02:00 Australia/Adelaide", "2026-10-03T12:00:00Z", "2026-10-03T16:30:00Z")]
    [InlineData("03:00 Australia/Adelaide", "2026-10-03T12:00:00Z", "2026-10-03T16:30:00Z")]
    // Lord Howe's jump by half an hour, from 02:00 to 02:30 at 15:30Z.
    [InlineData("02:15 Australia/Lord_Howe", "2026-10-03T12:00:00Z", "2026-10-03T15:30:00Z")]
    // Havana's jump from midnight, so that the day has no 00:30.
    [InlineData("00:30 America/Havana", "2026-03-08T04:00:00Z", "2026-03-08T05:00:00Z")]
    // On 2026-04-05 02:30 comes twice; the first one counts (UTC+10:30).
    [InlineData("02:30 Australia/Adelaide", "2026-04-04T12:00:00Z", "2026-04-04T16:00:00Z")]
    [InlineData("every 15m", "2026-03-01T01:00:00Z", "2026-03-01T01:15:00Z")]
    public void The_next_poll_is_the_next_moment_the_schedule_names(string schedule, string now, string next)
    {
        var from = DateTimeOffset.Parse(now, null);
        Assert.Equal(DateTimeOffset.Parse(next, null), from + PollSchedule.Parse(schedule, out _)!.UntilNext("device", from));
    }

    [Theory]
    [InlineData("every 1s")]
    [InlineData("every 100h")]
    [InlineData("24:00 UTC")]
    [InlineData("02:00 Mars/Olympus")]
    [InlineData("02:00")]
    [InlineData("02:00 UTC ±999m")]
    [InlineData("02:00 /dev/zero")]
    [InlineData("every 15m\n")]
    [InlineData("02:00 UTC\n")]
    [InlineData("")]
    public void What_is_no_schedule_is_refused_with_a_sentence(string text)
    {
        Assert.Null(PollSchedule.Parse(text, out var reason));
        Assert.NotEmpty(reason);
    }

    [Fact]
    public void Every_device_waits_a_second_to_two_days_and_asks_inside_the_window()
    {
        var schedule = PollSchedule.Parse("02:00 Australia/Adelaide ±60m", out _)!;
        Prop.ForAll(
            ArbMap.Default.ArbFor<int>(),
            ArbMap.Default.ArbFor<NonEmptyString>(),
            (minutes, device) =>
            {
                var now = DateTimeOffset.UnixEpoch.AddYears(56).AddMinutes(minutes);
                var wait = schedule.UntilNext(device.Get, now);
                var local = TimeZoneInfo.ConvertTime(now + wait, TimeZoneInfo.FindSystemTimeZoneById("Australia/Adelaide"));
                return wait >= TimeSpan.FromSeconds(1) && wait <= TimeSpan.FromHours(48)
                    && local.TimeOfDay >= TimeSpan.FromHours(1) && local.TimeOfDay <= TimeSpan.FromHours(4.5);
            }).QuickCheckThrowOnFailure();
    }
}
