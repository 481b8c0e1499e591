using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Releases;

namespace Ota.Cli.Rollouts;

/// <summary><c>ota rollout pause</c>, <c>resume</c>, <c>advance</c>, <c>return</c> and <c>abort</c></summary>
internal static class SteerRollout
{
    public static Command Pause { get; } = Of("pause", "Offer nothing more of a rollout until it is resumed.", _ => "Paused.");

    public static Command Resume { get; } = Of("resume", "Go on with a rollout that was paused or has stopped.", _ => "Resumed.");

    public static Command Advance { get; } = Of(
        "advance", "Open a rollout's next wave now.", rollout => $"Wave {rollout.Wave} of {rollout.Waves.Count} is open.");

    public static Command Return { get; } = Of(
        "return", "Bring the devices that a rollout reached back to what they ran before it.",
        _ => "It is offered to nobody more, and those that have it are brought back as they ask.");

    public static Command Abort { get; } = Of(
        "abort", "End a rollout: offer nothing more of it and cancel what is not delivered.", _ => "Aborted.");

    private static Verb Of(string name, string description, Func<Rollout, string> done)
    {
        var id = RolloutCalls.Id();
        var why = new Option<string?>("--reason") { Description = "Why; kept with the rollout.", HelpName = "text" };
        return new Verb(name, description, RunAsync) { id, why };

        async Task RunAsync(Call call, CancellationToken cancellation)
        {
            var (rollout, _) = await call.Api.PostAsync<Reason, Rollout>(
                ApiPath.Of($"rollouts/{call.Get(id)}/{name}"), new Reason(call.Get(why)), cancellation);
            call.Screen.Show(rollout, screen =>
            {
                screen.Line(done(rollout));
                rollout.Facts(screen, call.Now);
            });
        }
    }
}
