using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Deployments;

/// <summary><c>ota deployment list</c></summary>
internal static class ListDeployments
{
    private static readonly Option<string?> Product = new("--product") { Description = "Only of this product.", HelpName = "name" };
    private static readonly Option<string?> Device = new("--device") { Description = "Only for this device, by its id or hardware id.", HelpName = "id" };
    private static readonly Option<string?> State = new("--state") { Description = "Only in this state, e.g. offered.", HelpName = "state" };
    private static readonly Option<int?> Limit = new("--limit") { Description = "At most so many.", HelpName = "n" };

    public static Command Command { get; } = new Verb("list", "List deployments, newest first.", RunAsync)
    {
        Product,
        Device,
        State,
        Limit,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var path = ApiPath.Of($"deployments")
            .With("product", call.Get(Product)).With("device", call.Get(Device)).With("state", call.Get(State))
            .With("limit", call.Get(Limit));
        var deployments = await call.Api.GetAsync<Deployment[]>(path, cancellation);
        call.Screen.Show(deployments, screen => screen.Table(
            ["Deployment", "Device", "Release", "State", "Detail", "Ordered", "Ended", "By", "Does"],
            [.. deployments.Select(deployment => new Cell[]
            {
                deployment.Id,
                deployment.Device,
                $"{deployment.Product} {deployment.Version}".TrimEnd(),
                Cell.State(deployment.State),
                deployment.Detail,
                When.Ago(deployment.Created, call.Now),
                When.Ago(deployment.Ended, call.Now),
                deployment.CreatedBy,
                deployment.Does,
            })],
            "No deployment."));
    }
}
