using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Rollouts;

namespace Ota.Cli.Devices;

/// <summary><c>ota device zone</c></summary>
internal static class SetZone
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };

    private static readonly Argument<string?> Zone = new("zone")
    {
        Description = "Its time zone, e.g. Australia/Perth.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> None = new("--none") { Description = "Take the product's time zone again." };

    public static Command Command { get; } = new Verb(
        "zone", "Say where a device lives, so that a rollout's --window is its own night.", RunAsync) { Id, Zone, None };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var zone = call.Find(Zone);
        if (zone is null != call.Get(None))
            throw FailureException.Usage("Give a time zone or --none, one of them.");
        if (zone is not null)
            PlanTerms.Zone(zone);
        var device = await call.Api.PutAsync<ZoneChange, Device>(
            ApiPath.Of($"devices/{call.Get(Id)}/zone"), new ZoneChange(zone), cancellation);
        call.Screen.Show(device, screen => screen.Line(
            new Cell(device.Id, Tone.Strong), zone is null ? " keeps its product's time zone." : $" is in {zone}."));
    }
}

internal sealed record ZoneChange(string? Zone);
