using System.CommandLine;
using System.Globalization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Devices;

internal sealed record BandEvidence(string Band, double Hours, long? Restarts, double? PerHour);

internal sealed record RateRatio(double? Value, double Low, double? High);

internal sealed record EvidenceReport(
    double Hours, long? Restarts, long? Intended, IReadOnlyList<BandEvidence> Bands, long? Unattributed,
    IReadOnlyDictionary<string, long> Causes, RateRatio? Ratio, string Verdict, string Sentence);

internal sealed record DeviceEvidence(string Device, DateTimeOffset? From, DateTimeOffset? To, EvidenceReport Evidence);

/// <summary><c>ota device evidence</c></summary>
internal static class ShowEvidence
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };
    private static readonly Option<int?> Days = new("--days") { Description = "How far back, 1 to 730; 90 unless given.", HelpName = "n" };

    public static Command Command { get; } = new Verb(
        "evidence", "Show what a unit's restarts have to do with its Wi-Fi signal.", RunAsync) { Id, Days };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var shown = await call.Api.GetAsync<DeviceEvidence>(
            ApiPath.Of($"devices/{call.Get(Id)}/evidence").With("days", call.Get(Days)), cancellation);
        call.Screen.Show(shown, screen => Write(screen, shown));
    }

    private static void Write(Screen screen, DeviceEvidence shown)
    {
        var evidence = shown.Evidence;
        screen.Line(new Cell(evidence.Sentence, evidence.Verdict == "weak-signal" ? Tone.Bad : Tone.Strong));
        screen.Line();
        screen.Table(
            ["Signal", "Hours", "Restarts", "An hour"],
            [.. evidence.Bands.Select(band => new Cell[] { band.Band, Number(band.Hours, "0.0"), band.Restarts is { } count ? count : "-", Number(band.PerHour, "0.000") })],
            "");
        screen.Line();
        screen.Facts(
            ("Observed", $"{Number(evidence.Hours, "0.0")} hours, {When.Exact(shown.From)} to {When.Exact(shown.To)}"),
            ("Restarts", evidence.Restarts is null ? "-"
                : evidence.Unattributed == 0 ? $"{evidence.Restarts}"
                : $"{evidence.Restarts}, {evidence.Unattributed} of them without a signal measured near them"),
            ("Causes", string.Join(", ", evidence.Causes.OrderByDescending(cause => cause.Value).Select(cause => $"{cause.Key} {cause.Value}"))),
            ("Meant", evidence.Intended is null or 0 ? "" : $"{evidence.Intended} {(evidence.Intended == 1 ? "restart" : "restarts")} for updates, recoveries or a person; not counted above"));
    }

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "";
}
