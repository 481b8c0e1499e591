using System.CommandLine;
using Ota.Cli.Output;
using Spectre.Console;

namespace Ota.Cli.Rollouts;

/// <summary><c>ota rollout status</c>: how far each wave has come, who waits and why, and what comes next.</summary>
internal static class RolloutStatus
{
    private static readonly Argument<string> Id = RolloutCalls.Id();
    private static readonly Option<bool> WatchOption = new("--watch") { Description = "Keep it up to date until Ctrl-C." };

    public static Command Command { get; } = new Verb(
        "status",
        "Show how far a rollout has come, wave by wave. With --watch and --json, or when redirected, one line for each change.",
        RunAsync)
    {
        Id,
        WatchOption,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(WatchOption))
        {
            await Watch.RunAsync(call, stop => call.Api.RolloutAsync(call.Get(Id), stop), Draw, new ChangedLines(call).Write, cancellation);
            return;
        }

        var rollout = await call.Api.RolloutAsync(call.Get(Id), cancellation);
        call.Screen.Show(rollout, screen =>
        {
            var picture = RolloutPicture.Of(rollout, call.Now);
            screen.Line([.. picture.Heading]);
            screen.Table(RolloutPicture.Headings, picture.Waves, "No wave.");
            screen.Facts(picture.Facts);
        });
    }

    private static Rows Draw(Rollout rollout, DateTimeOffset now)
    {
        var picture = RolloutPicture.Of(rollout, now);
        var facts = picture.Facts.Where(fact => fact.Value.Text.Length > 0).ToArray();
        var width = facts.Select(fact => fact.Name.Length).DefaultIfEmpty().Max();
        return new Rows(
        [
            Screen.Drawn([.. picture.Heading]),
            DrawnTable.Of(RolloutPicture.Headings, picture.Waves, AnsiConsole.Profile.Width),
            .. facts.Select(fact => Screen.Drawn([new Cell("  " + fact.Name.PadRight(width) + "  ", Tone.Dim), fact.Value])),
        ]);
    }

    private sealed class ChangedLines(Call call)
    {
        private string? _last;

        public void Write(Rollout rollout)
        {
            // Records compare their collections by reference, so the text is compared.
            var line = call.Screen.Json ? Screen.JsonText(rollout) : Plain(rollout);
            if (line == _last)
                return;
            _last = line;
            if (call.Screen.Json)
                Screen.Verbatim(line);
            else
                call.Screen.Line($"{When.Exact(call.Now)}  {line}");
        }

        private static string Plain(Rollout rollout) =>
            $"{rollout.State}  wave {rollout.Wave} of {rollout.Waves.Count}  {rollout.Summary()}  {rollout.StateReason}".TrimEnd();
    }
}
