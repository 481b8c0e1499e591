using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace Ota.Server.Products;

/// <summary>
/// When devices of a product ask: <c>02:00 Australia/Adelaide ±60m</c> (each night, every device at its own moment of the window)
/// or <c>every 15m</c>. Pure.
/// </summary>
public sealed partial class PollSchedule
{
    public const string Default = "02:00 UTC ±60m";
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(5);

    private readonly TimeSpan? _every;
    private readonly TimeSpan _at;
    private readonly TimeZoneInfo _zone;
    private readonly TimeSpan _spread;

    private PollSchedule(string text, TimeSpan? every, TimeSpan at, TimeZoneInfo zone, TimeSpan spread)
    {
        Text = text;
        (_every, _at, _zone, _spread) = (every, at, zone, spread);
    }

    /// <summary>As it was written.</summary>
    public string Text { get; }

    /// <summary>Where its times are local; UTC for an interval.</summary>
    public TimeZoneInfo Zone => _zone;

    /// <summary>The usual pause between two check-ins.</summary>
    public TimeSpan Interval => _every ?? TimeSpan.FromDays(1);

    /// <summary>Reads a schedule; null and a sentence when it is not one.</summary>
    public static PollSchedule? Parse(string text, out string reason)
    {
        reason = "";
        if (EveryPattern().Match(text) is { Success: true } every)
        {
            var count = int.Parse(every.Groups[1].Value, CultureInfo.InvariantCulture);
            var span = every.Groups[2].Value switch
            {
                "s" => TimeSpan.FromSeconds(count),
                "m" => TimeSpan.FromMinutes(count),
                _ => TimeSpan.FromHours(count),
            };
            if (span >= Shortest && span <= TimeSpan.FromHours(48))
                return new PollSchedule(text, span, default, TimeZoneInfo.Utc, default);
            reason = "A poll interval is 5 seconds to 48 hours.";
            return null;
        }

        if (NightlyPattern().Match(text) is not { Success: true } nightly)
        {
            reason = $"The poll '{Clean(text)}' is neither like '02:00 Australia/Adelaide ±60m' nor like 'every 15m'.";
            return null;
        }

        if (ZonedTime.Find(nightly.Groups[3].Value, out reason) is not { } zone)
            return null;

        var at = new TimeSpan(Digits(nightly.Groups[1]), Digits(nightly.Groups[2]), 0);
        var spread = nightly.Groups[4].Success ? TimeSpan.FromMinutes(Digits(nightly.Groups[4])) : TimeSpan.Zero;
        if (at < TimeSpan.FromDays(1) && Digits(nightly.Groups[2]) < 60 && spread <= TimeSpan.FromHours(12))
            return new PollSchedule(text, null, at, zone, spread);
        reason = "A nightly poll is at 00:00 to 23:59 and spread over at most ±720m.";
        return null;
    }

    /// <summary>How long from <paramref name="now"/> until this device should ask again; at least a second.</summary>
    public TimeSpan UntilNext(string device, DateTimeOffset now)
    {
        if (_every is { } every)
            return every;

        var shift = Shift(device);
        var today = TimeZoneInfo.ConvertTime(now, _zone).Date;
        // Yesterday's moment can still lie ahead when the spread crosses midnight; three days on there is always one.
        for (var day = -1; day <= 3; day++)
        {
            var wait = ZonedTime.Instant(_zone, today.AddDays(day) + _at) + shift - now;
            if (wait >= TimeSpan.FromSeconds(1))
                return wait;
        }

        return TimeSpan.FromDays(1);
    }

    private TimeSpan Shift(string device)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(device));
        var share = BinaryPrimitives.ReadUInt64LittleEndian(hash) / (double)ulong.MaxValue;
        return (share * 2 - 1) * _spread;
    }

    private static int Digits(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    private static string Clean(string text) => new([.. text.Take(60).Select(c => char.IsControl(c) ? '?' : c)]);

    [GeneratedRegex(@"^every ([1-9][0-9]{0,4})(s|m|h)\z")]
    private static partial Regex EveryPattern();

    [GeneratedRegex(@"^([0-2][0-9]):([0-5][0-9]) ([A-Za-z0-9_+/-]{1,40})(?: (?:±|\+-|\+/-)([0-9]{1,3})m)?\z")]
    private static partial Regex NightlyPattern();
}
