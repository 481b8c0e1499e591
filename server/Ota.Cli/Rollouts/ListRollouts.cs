using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Rollouts;

/// <summary><c>ota rollout list</c> and <c>show</c></summary>
internal static class ListRollouts
{
    private static readonly Option<string?> Product = new("--product") { Description = "Only of this product.", HelpName = "name" };
    private static readonly Argument<string> Id = RolloutCalls.Id();

    public static Command List { get; } = new Verb("list", "List rollouts, newest first.", ListAsync) { Product };

    public static Command Show { get; } = new Verb("show", "Show a rollout: what was asked for, and counts.", ShowAsync) { Id };

    private static async Task ListAsync(Call call, CancellationToken cancellation)
    {
        var rollouts = await call.Api.GetAsync<Rollout[]>(ApiPath.Of($"rollouts").With("product", call.Get(Product)), cancellation);
        call.Screen.Show(rollouts, screen => screen.Table(
            ["Rollout", "Release", "State", "Wave", "For", "Deployments", "Started", "By"],
            [.. rollouts.Select(rollout => new Cell[]
            {
                rollout.Id,
                $"{rollout.Product} {rollout.Version}",
                Cell.State(rollout.State),
                rollout.Waves.Count == 0 ? "" : $"{rollout.Wave} of {rollout.Waves.Count}",
                rollout.For,
                rollout.Summary(),
                When.Ago(rollout.Starts ?? rollout.Created, call.Now),
                rollout.CreatedBy,
            })],
            "No rollout."));
    }

    private static async Task ShowAsync(Call call, CancellationToken cancellation)
    {
        var rollout = await call.Api.RolloutAsync(call.Get(Id), cancellation);
        call.Screen.Show(rollout, screen => rollout.Facts(screen, call.Now));
    }
}

internal static class RolloutCalls
{
    public static Argument<string> Id() => new("rollout") { Description = "The rollout's id." };

    public static Task<Rollout> RolloutAsync(this OtaApi api, string id, CancellationToken cancellation) =>
        api.GetAsync<Rollout>(ApiPath.Of($"rollouts/{id}"), cancellation);
}
