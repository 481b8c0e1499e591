using System.Globalization;
using Ota.Server.Products;

namespace Ota.Server.Rollouts;

/// <summary>
/// The hours in which devices begin, by the clock on the device's wall: <c>01:00-05:00</c>, or over midnight <c>22:00-04:00</c>. An hour
/// that a change of clocks skips is not there that day, one that comes twice is there twice.
/// </summary>
/// <param name="From">Since midnight; within the window.</param>
/// <param name="Until">Since midnight; outside of it.</param>
internal sealed record RolloutWindow(string Text, TimeSpan From, TimeSpan Until)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    /// <summary>How long it is on a day without a change of clocks.</summary>
    public TimeSpan Length => Until > From ? Until - From : Until - From + Day;

    public bool IsOpen(DateTimeOffset now, TimeZoneInfo zone)
    {
        var time = TimeZoneInfo.ConvertTime(now, zone).TimeOfDay;
        return From < Until ? time >= From && time < Until : time >= From || time < Until;
    }

    /// <summary>
    /// When a device that asked outside of it had better ask again: at a moment of its own in the first half, so that they do not all come at
    /// once.
    /// </summary>
    /// <param name="share">The device's own number from 0 to below 1.</param>
    public TimeSpan AskAgain(DateTimeOffset now, TimeZoneInfo zone, double share)
    {
        var today = TimeZoneInfo.ConvertTime(now, zone).Date;
        for (var day = 0; day <= 2; day++)
        {
            var opens = ZonedTime.Instant(zone, today.AddDays(day) + From);
            if (opens > now && opens + Length / 2 * share is var moment)
                return moment - now;
        }

        return Day;
    }

    /// <summary>Reads a window; null and a sentence when it is none.</summary>
    public static RolloutWindow? Parse(string text, out string fault)
    {
        var parts = text.Split('-');
        fault = $"window '{Filters.FilterTokens.Shown(text)}' is not like 01:00-05:00.";
        if (parts.Length != 2 || Read(parts[0]) is not { } from || Read(parts[1]) is not { } until)
            return null;
        fault = from == until ? $"window '{text}' is empty; leave it out for the whole day." : "";
        return fault.Length == 0 ? new RolloutWindow(text, from, until) : null;
    }

    private static TimeSpan? Read(string text) =>
        TimeOnly.TryParseExact(text, "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time) ? time.ToTimeSpan() : null;
}
