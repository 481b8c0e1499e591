using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Rollouts;

/// <summary><c>ota rollout start</c> and, with the same options, <c>plan</c></summary>
internal static class StartRollout
{
    private static readonly PlannedRollout Asked = new();
    private static readonly PlannedRollout Previewed = new();

    public static Command Start { get; } = Asked.AddTo(new Verb(
        "start", "Bring a release to many devices, in waves if you like. Devices get it when they next ask.", StartAsync));

    public static Command Plan { get; } = Previewed.AddTo(new Verb(
        "plan", "Say what 'rollout start' would do, wave by wave, and change nothing.", PlanAsync));

    private static async Task StartAsync(Call call, CancellationToken cancellation)
    {
        var (rollout, _) = await call.Api.PostAsync<NewRollout, Rollout>(ApiPath.Of($"rollouts"), Asked.Read(call), cancellation);
        call.Screen.Show(rollout, screen =>
        {
            screen.Line(
                rollout.State == "scheduled" ? "Scheduled " : "Started ",
                new Cell($"{rollout.Product} {rollout.Version}", Tone.Strong),
                rollout.Devices is { } devices ? $" for {Devices(devices)}." : ".");
            rollout.Facts(screen, call.Now);
            screen.Line(new Cell($"Follow it with: ota rollout status {rollout.Id} --watch", Tone.Dim));
        });
    }

    private static async Task PlanAsync(Call call, CancellationToken cancellation)
    {
        var (preview, _) = await call.Api.PostAsync<NewRollout, RolloutPreview>(
            ApiPath.Of($"rollouts/plan"), Previewed.Read(call), cancellation);
        call.Screen.Show(preview, screen =>
        {
            screen.Line(
                new Cell($"{preview.Product} {preview.Version}", Tone.Strong), $" would go to {Devices(preview.Devices)}",
                preview.Starts > call.Now ? $", from {When.Exact(preview.Starts)} ({When.Ago(preview.Starts, call.Now)})." : ", from now on.");
            screen.Table(
                ["Wave", "Up to", "Devices"],
                [.. preview.Waves.Select(wave => new Cell[] { wave.Number, wave.UpTo, $"{wave.Devices:N0}" })],
                "No wave.");
            screen.Table(
                ["Held", "Devices", "Meaning"],
                [.. preview.Held.Where(held => held.Value > 0).OrderByDescending(held => held.Value).Select(held => new Cell[]
                {
                    held.Key, $"{held.Value:N0}", HeldReasons.Meaning(held.Key),
                })],
                "No device would be held.");
            foreach (var warning in preview.Warnings)
                screen.Warn(warning);
            screen.Line(new Cell("Nothing was changed.", Tone.Dim));
        });
    }

    private static string Devices(long count) => count == 1 ? "1 device" : $"{count:N0} devices";

    /// <summary>Product, version and plan, as arguments of one command.</summary>
    private sealed class PlannedRollout
    {
        private readonly Argument<string> _product = Arguments.Product();
        private readonly Argument<string> _version = Arguments.Version();
        private readonly PlanOptions _plan = new();

        public Command AddTo(Command command)
        {
            command.Add(_product);
            command.Add(_version);
            foreach (var option in _plan.All)
                command.Add(option);
            return command;
        }

        public NewRollout Read(Call call) => new(
            Arguments.Named("product", call.Get(_product)), Arguments.Versioned(call.Get(_version)), _plan.Read(call));
    }
}

/// <summary>Why a device of a rollout has to wait, for a person.</summary>
internal static class HeldReasons
{
    public static string Meaning(string reason) => reason switch
    {
        "not-started" => "the rollout has not begun",
        "paused" => "the rollout is paused or has stopped",
        "wave-not-open" => "of a later wave",
        "outside-window" => "not the hour for it where they are",
        "rate" => "enough others have begun this minute",
        "weak-signal" => "they wait for a better signal",
        "up-to-date" => "they run it already",
        "below-floor" => "they have confirmed a higher security counter and would refuse it",
        "no-build" => "there is no build for their hardware",
        "other-deployment" => "they are busy with, or were told, something else",
        "needs-step" => "another release comes first, which they must pass through",
        "in-trial" => "they are trying an image at this moment",
        _ => "",
    };
}
