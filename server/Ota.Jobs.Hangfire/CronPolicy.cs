namespace Ota.Jobs.Hangfire;

/// <summary>An interval as a cron expression of six fields, the first of them seconds.</summary>
internal static class CronPolicy
{
    /// <param name="every">
    /// Divides a minute in whole seconds, an hour in whole minutes, or a day in whole hours.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// Cron has no such interval: at the end of the minute, hour or day it would be another.
    /// </exception>
    public static string Every(TimeSpan every) =>
        Divides(every, TimeSpan.TicksPerSecond, TimeSpan.TicksPerMinute) ? $"*/{every.Seconds} * * * * *"
        : Divides(every, TimeSpan.TicksPerMinute, TimeSpan.TicksPerHour) ? $"0 */{every.Minutes} * * * *"
        : Divides(every, TimeSpan.TicksPerHour, TimeSpan.TicksPerDay) ? $"0 0 */{every.Hours} * * *"
        : every == TimeSpan.FromDays(1) ? "0 0 0 * * *"
        : throw new ArgumentOutOfRangeException(nameof(every), every, "Cron has no such interval.");

    private static bool Divides(TimeSpan every, long unit, long whole) =>
        every.Ticks > 0 && every.Ticks < whole && every.Ticks % unit == 0 && whole % every.Ticks == 0;
}
