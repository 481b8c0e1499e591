namespace Ota.Server.Products;

/// <summary>Local times in a zone whose clocks may change. Pure.</summary>
internal static class ZonedTime
{
    private static readonly TimeSpan OneMinute = TimeSpan.FromMinutes(1);

    /// <summary>
    /// The instant at which clocks there show this. A local time that a change of clocks skips is taken as the moment they jump, which is a
    /// minute after the last one they show; one that comes twice as the first.
    /// </summary>
    public static DateTimeOffset Instant(TimeZoneInfo zone, DateTime local)
    {
        if (zone.IsInvalidTime(local))
        {
            do
                local -= OneMinute;
            while (zone.IsInvalidTime(local));
            return Instant(zone, local) + OneMinute;
        }

        var offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
        return new DateTimeOffset(local, offset);
    }

    /// <summary>A zone by its IANA name; null and a sentence when there is none.</summary>
    public static TimeZoneInfo? Find(string name, out string reason)
    {
        reason = "";
        if (TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone))
            return zone;
        var shown = new string([.. name.Take(60).Select(c => char.IsControl(c) ? '?' : c)]);
        reason = $"There is no time zone '{shown}'; use an IANA name like Australia/Adelaide or UTC.";
        return null;
    }
}
