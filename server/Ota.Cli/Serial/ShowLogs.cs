using System.CommandLine;
using Ota.Cli.Output;

namespace Ota.Cli.Serial;

/// <param name="Uptime">Seconds since the unit's start.</param>
internal sealed record UnitLogLine(string Uptime, string Text);

/// <summary><c>ota serial PORT logs</c></summary>
internal static class ShowLogs
{
    private static readonly Option<bool> Follow = new("--follow") { Description = "Go on until Ctrl-C." };
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    public static Verb Command { get; } = new("logs", "What the unit did since its start, the last 32 things; nothing secret is among them.", RunAsync)
    {
        Follow,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        using var console = Cable.Open(call);
        long next = 0;
        do
        {
            var answer = await console.AskAsync(["logs", $"{next}"], cancellation);
            Cable.Check(answer);
            foreach (var line in answer.Where(line => line is ["log", _, ..]))
            {
                var logged = new UnitLogLine(line[1], string.Join(' ', line.Skip(2)));
                if (call.Screen.Json)
                    Screen.JsonLine(logged);
                else
                    call.Screen.Line(new Cell($"{logged.Uptime,8} s  ", Tone.Dim), logged.Text);
            }

            // Fewer than before: it has started anew, and counts from the beginning.
            var count = answer[^1] is ["ok", _, var said, ..] && long.TryParse(said, out var number) ? number : 0;
            next = count < next ? 0 : count;
            if (call.Get(Follow))
                await Task.Delay(Pause, cancellation);
        }
        while (call.Get(Follow));
    }
}
