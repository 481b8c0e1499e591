using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Deployments;

/// <summary><c>ota rollout list</c>, <c>show</c> and <c>abort</c></summary>
internal static class Rollouts
{
    private static readonly Option<string?> Product = new("--product") { Description = "Only of this product.", HelpName = "name" };
    private static readonly Argument<string> Id = new("rollout") { Description = "The rollout's id." };

    public static Command List { get; } = new Verb("list", "List rollouts.", ListAsync) { Product };

    public static Command ShowOne { get; } = new Verb("show", "Show how far a rollout has come.", ShowAsync) { Id };

    public static Command Abort { get; } = new Verb(
        "abort", "Offer nothing more of a rollout and cancel what is not delivered.", AbortAsync)
    {
        Id,
    };

    private static async Task ListAsync(Call call, CancellationToken cancellation)
    {
        var rollouts = await call.Api.GetAsync<Rollout[]>(ApiPath.Of($"rollouts").With("product", call.Get(Product)), cancellation);
        call.Screen.Show(rollouts, screen => screen.Table(
            ["Rollout", "Release", "Target", "State", "Deployments", "Started", "By"],
            [.. rollouts.Select(rollout => new Cell[]
            {
                rollout.Id,
                $"{rollout.Product} {rollout.Version}",
                rollout.Target,
                Cell.State(rollout.State),
                rollout.Summary(),
                When.Ago(rollout.Created, call.Now),
                rollout.CreatedBy,
            })],
            "No rollout."));
    }

    private static async Task ShowAsync(Call call, CancellationToken cancellation)
    {
        var rollout = await call.Api.GetAsync<Rollout>(ApiPath.Of($"rollouts/{call.Get(Id)}"), cancellation);
        call.Screen.Show(rollout, screen => rollout.Facts(screen, call.Now));
    }

    private static async Task AbortAsync(Call call, CancellationToken cancellation)
    {
        var (rollout, _) = await call.Api.PostAsync<Rollout>(ApiPath.Of($"rollouts/{call.Get(Id)}/abort"), cancellation);
        call.Screen.Show(rollout, screen =>
        {
            screen.Line("Aborted.");
            rollout.Facts(screen, call.Now);
        });
    }
}
