using Ota.Cli.Output;

namespace Ota.Cli.Rollouts;

/// <summary>A rollout at one moment, as it is shown. Pure.</summary>
internal sealed record RolloutPicture(
    IReadOnlyList<Cell> Heading, IReadOnlyList<IReadOnlyList<Cell>> Waves, IReadOnlyList<(string Name, Cell Value)> Facts)
{
    public static readonly string[] Headings = ["Wave", "Up to", "Devices", "Confirmed", "Deployments", "Opened"];

    public static RolloutPicture Of(Rollout rollout, DateTimeOffset now) => new(
        [
            new Cell($"{rollout.Product} {rollout.Version}", Tone.Strong),
            rollout.For is null ? " is " : $" for {rollout.For} is ",
            Cell.State(rollout.State),
            rollout.Wave == 0 || rollout.Waves.Count < 2 ? "." : $", wave {rollout.Wave} of {rollout.Waves.Count}.",
        ],
        [.. rollout.Waves.Select(wave => Row(wave, now))],
        [
            ("Because", new Cell(rollout.StateReason, rollout.State == "stopped" ? Tone.Bad : Tone.Plain)),
            ("Devices", rollout.Devices is { } devices ? $"{devices:N0}" : ""),
            ("Brought back", Counts.Of(Of(rollout.Deployments, "returned", "returning", "not-returned"))),
            ("Held", Counts.Of(new SortedDictionary<string, long>(rollout.Held.ToDictionary(), StringComparer.Ordinal))),
            ("Silent", rollout.Silent is > 0 and var silent ? new Cell($"{silent:N0} past the deadline", Tone.Bad) : ""),
            ("Stops", rollout is { Stop: { } stop, State: "scheduled" or "active" or "paused" } ? $"when {stop}" : ""),
            ("Advances", rollout is { State: "active", Advance: { } advance } && rollout.Wave < rollout.Waves.Count ? $"when {advance}" : ""),
            ("Next", Next(rollout, now)),
            ("Ended", When.Both(rollout.Ended, now)),
        ]);

    /// <summary>What has to happen for it to go on; empty when nothing more does.</summary>
    public static string Next(Rollout rollout, DateTimeOffset now) => rollout.State switch
    {
        "scheduled" => $"starts {When.Both(rollout.Starts, now)}",
        "paused" or "stopped" => $"nothing until 'ota rollout resume {rollout.Id}', 'return' or 'abort'",
        "returning" => "devices are brought back as they ask",
        "active" when rollout.Wave < rollout.Waves.Count => NextWave(rollout, now),
        "active" => "every wave is open; devices get it as they ask",
        _ => "",
    };

    private static Dictionary<string, long> Of(IReadOnlyDictionary<string, long>? counts, params string[] states) =>
        states.Where(state => counts?.ContainsKey(state) == true).ToDictionary(state => state, state => counts![state]);

    private static string NextWave(Rollout rollout, DateTimeOffset now)
    {
        var next = $"wave {rollout.Wave + 1}";
        if (rollout.Advance is not { } condition)
            return $"{next}, with 'ota rollout advance {rollout.Id}'";
        var opened = rollout.Waves.FirstOrDefault(wave => wave.Number == rollout.Wave)?.Opened;
        return opened + PlanTerms.SoakOf(condition) is { } earliest && earliest > now
            ? $"{next}, {When.Both(earliest, now)} at the earliest"
            : $"{next}, as soon as that holds";
    }

    private static Cell[] Row(RolloutWave wave, DateTimeOffset now) =>
    [
        wave.Number,
        wave.UpTo,
        wave.Devices is { } devices ? $"{devices:N0}" : "",
        wave.Opened is null ? "" : Bar.Of(wave.Deployments?.GetValueOrDefault("confirmed") ?? 0, wave.Devices ?? 0),
        Counts.Of(wave.Deployments),
        wave.Opened is null ? "not open" : When.Ago(wave.Opened, now),
    ];
}
