using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Deployments;

/// <summary><c>ota deploy</c></summary>
internal static class Deploy
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Version = Arguments.Version();
    private static readonly Option<string?> Device = new("--device") { Description = "Order it for this device, by its id or hardware id.", HelpName = "id" };
    private static readonly Option<string?> Group = new("--group") { Description = "Order it for a group.", HelpName = "name" };
    private static readonly Option<bool> All = new("--all") { Description = "Order it for every device of the product." };
    private static readonly Option<string?> Hardware = Arguments.Hardware();

    public static Command Command { get; } = new Verb(
        "deploy", "Order a release for one device, a group or all. Devices get it when they next ask.", RunAsync)
    {
        Product,
        Version,
        Device,
        Group,
        All,
        Hardware,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var (device, group, all) = (call.Get(Device), call.Get(Group), call.Get(All));
        if (new[] { device is not null, group is not null, all }.Count(given => given) != 1)
            throw FailureException.Usage("Give exactly one of --device, --group and --all.");
        var target = device is not null ? "device " + device : group is not null ? "group " + group : "all devices";
        var order = new NewDeployment(
            call.Get(Product), call.Get(Version), device, group, all ? true : null, call.Get(Hardware));
        var (started, _) = await call.Api.PostAsync<NewDeployment, DeploymentStarted>(ApiPath.Of($"deployments"), order, cancellation);
        call.Screen.Show(started, screen =>
        {
            screen.Line(
                "Ordered ", new Cell($"{started.Product} {started.Version}", Tone.Strong), $" for {target}",
                started switch
                {
                    { Devices: null } => ".",
                    { Deployment: not null } => ", when it next asks.",
                    { Devices: 0 } when group is not null => $": no device of {started.Product} is in it yet; those that join it get it.",
                    { Devices: 0 } => ": there is no device yet; those that enroll get it.",
                    { Devices: 1 } => ": 1 device, when it next asks.",
                    { Devices: var count } => $": {count:N0} devices, each when it next asks.",
                });
            if (started.BelowFloor is > 0 and var below)
            {
                screen.Line(new Cell(
                    $"  {below:N0} of them {(below == 1 ? "has" : "have")} confirmed a higher security counter and would refuse it: "
                    + "it is not offered to them.", Tone.Bad));
            }

            screen.Facts(("Deployment", started.Deployment), ("Rollout", started.Rollout));
        });
    }
}
