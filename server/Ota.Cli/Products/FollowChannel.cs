using System.CommandLine;
using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Rollouts;

namespace Ota.Cli.Products;

/// <summary><c>ota product follow</c></summary>
internal static class FollowChannel
{
    private static readonly Argument<string> Name = Arguments.Product();
    private static readonly Option<string?> Channel = new("--channel")
    {
        Description = "The channel whose newest release is rolled out.",
        HelpName = "name",
    };

    private static readonly Option<bool> Off = new("--off") { Description = "Roll out nothing by itself any more." };
    private static readonly PlanOptions Plan = new();

    public static Command Command { get; } = Made();

    private static Verb Made()
    {
        var verb = new Verb(
            "follow", "Let each new release of a channel start a rollout by itself, as the options say.", RunAsync) { Name, Channel, Off };
        foreach (var option in Plan.WithoutTime)
            verb.Add(option);
        return verb;
    }

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var plan = Plan.Read(call);
        if (call.Get(Channel) is null == !call.Get(Off))
            throw FailureException.Usage("Give either --channel, like --channel stable, or --off.");
        if (call.Get(Off) && PlanOptions.Given(plan))
            throw FailureException.Usage("--off stands alone: there is no rollout left to plan.");
        var follow = call.Get(Channel) is { } channel ? new Followed(plan) { Channel = Arguments.Named("channel", channel) } : null;
        var product = await call.Api.PutAsync<FollowChange, Product>(
            ApiPath.Of($"products/{call.Get(Name)}/follow"), new FollowChange(follow), cancellation);
        call.Screen.Show(product, screen =>
        {
            screen.Line(follow is null
                ? $"{product.Name} follows no channel."
                : $"Each new release on {follow.Channel} starts a rollout of {product.Name} by itself.");
            product.Facts(screen);
        });
    }
}

/// <summary>A channel and how each of its new releases is rolled out.</summary>
internal sealed record Followed : RolloutPlan
{
    [JsonConstructor]
    public Followed()
    {
    }

    public Followed(RolloutPlan plan)
        : base(plan)
    {
    }

    public string Channel { get; init; } = "";
}

internal sealed record FollowChange(Followed? Follow);
