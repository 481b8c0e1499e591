using Ota.Cli.Output;

namespace Ota.Cli.Serial;

/// <summary>What a unit says of itself over the cable; what it does not say is null.</summary>
/// <param name="Server">HTTP status of the server's last answer, 0 for none since the start.</param>
/// <param name="Uptime">Seconds.</param>
internal sealed record UnitStatus(
    string? Runs, string? Slot, string? Device, string? HardwareId, string? Product, string? Wifi, string? Signal, string? Networks,
    string? AccessPoint, string? Server, string? Uptime, string? StartedBy, string? Free);

/// <summary><c>ota serial PORT status</c></summary>
internal static class ShowStatus
{
    // Whoever has the unit decides what it says.
    private const long LongestUptime = long.MaxValue / TimeSpan.TicksPerSecond;

    public static Verb Command { get; } = new("status", "What the unit runs, whether it is on a network, what the server answered last.", RunAsync);

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        using var console = Cable.Open(call);
        var answer = await console.AskAsync(["status"], cancellation);
        Cable.Check(answer);
        var said = answer[^1].Skip(2).Select(field => field.Split('=', 2)).Where(pair => pair.Length == 2)
            .GroupBy(pair => pair[0]).ToDictionary(pairs => pairs.Key, pairs => pairs.First()[1]);
        string? Of(string name) => said.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
        var status = new UnitStatus(
            Of("runs"), Of("slot"), Of("device"), Of("hardware-id"), Of("product"), Of("wifi"), Of("signal"), Of("networks"), Of("access-point"),
            Of("server"), Of("uptime"), Of("started-by"), Of("free"));
        call.Screen.Show(status, screen => screen.Facts(
            ("Unit", new Cell(string.Join(", ", new[] { status.HardwareId, status.Product }.OfType<string>()), Tone.Strong)),
            ("Device", status.Device ?? "not enrolled"),
            ("Runs", $"{status.Runs}, {status.Slot}"),
            ("Wi-Fi", status.Wifi == "joined" ? $"joined, {status.Signal} dBm" : new Cell("not joined", Tone.Bad)),
            ("Networks known", status.Networks),
            ("Access point", status.AccessPoint),
            ("Server", status.Server is null or "0" ? "no answer since the start" : $"answered {status.Server}"),
            ("Up for", long.TryParse(status.Uptime, out var seconds) && seconds is >= 0 and <= LongestUptime
                ? When.Length(TimeSpan.FromSeconds(seconds))
                : status.Uptime),
            ("Started by", status.StartedBy),
            ("Free memory", status.Free is null ? null : $"{status.Free} bytes")));
    }
}
