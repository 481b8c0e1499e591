using System.Globalization;

namespace Ota.Server.Dialects.Blynk;

/// <summary>What a client says of itself once it is logged in; what it leaves out is as usual.</summary>
/// <param name="Heartbeat">Seconds between its pings.</param>
/// <param name="Buffer">Bytes of a body that it can take.</param>
/// <param name="Library">Version of the Blynk library; null when it does not say.</param>
/// <param name="Firmware">Version of the sketch; null when it does not say.</param>
/// <param name="Build">When the sketch was built, in its own words; null when it does not say.</param>
internal sealed record BlynkHello(int Heartbeat, int Buffer, string? Library, string? Firmware, string? Build)
{
    private const int LongestHeartbeat = 3600;
    private const int LeastBuffer = 64;

    /// <summary>Of a client that has said nothing yet.</summary>
    public static BlynkHello Usual { get; } = new(Heartbeat: 45, Buffer: 1024, Library: null, Firmware: null, Build: null);

    /// <summary>After this silence it is gone.</summary>
    public TimeSpan Silence => TimeSpan.FromSeconds(2.3 * Heartbeat);

    /// <summary>Reads names and values in turn; null when none of the names is one of a hello.</summary>
    public static BlynkHello? Of(ReadOnlySpan<string> fields)
    {
        var (hello, isOne) = (Usual, false);
        for (var i = 0; i + 1 < fields.Length; i += 2)
        {
            var value = fields[i + 1];
            isOne |= fields[i] is "ver" or "fw" or "h-beat" or "buff-in";
            hello = fields[i] switch
            {
                "ver" => hello with { Library = Told(value) },
                "fw" => hello with { Firmware = Told(value) },
                "build" => hello with { Build = Told(value) },
                "h-beat" when Number(value) is { } seconds => hello with { Heartbeat = Math.Clamp(seconds, 1, LongestHeartbeat) },
                "buff-in" when Number(value) is { } bytes => hello with { Buffer = Math.Clamp(bytes, LeastBuffer, BlynkFrame.LongestBody) },
                _ => hello,
            };
        }

        return isOne ? hello : null;
    }

    private static int? Number(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static string? Told(string text) => text is { Length: > 0 and <= 64 } && !text.Any(char.IsControl) ? text : null;
}
