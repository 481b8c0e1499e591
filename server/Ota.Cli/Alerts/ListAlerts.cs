using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Alerts;

/// <param name="Kind"><c>crash-loop</c>, <c>silent</c>, <c>weak-signal</c> or <c>stranded</c>.</param>
/// <param name="Closed">Null while it is open.</param>
internal sealed record Alert(
    long Id,
    string Device,
    string? HardwareId,
    string? Product,
    string? Kind,
    DateTimeOffset? Opened,
    DateTimeOffset? Closed,
    string? Detail);

/// <summary><c>ota alert list</c></summary>
internal static class ListAlerts
{
    private static readonly Option<string?> Product = new("--product") { Description = "Only of this product.", HelpName = "name" };
    private static readonly Option<string?> Device = new("--device")
    {
        Description = "Only of this device, by its id or hardware id.",
        HelpName = "id",
    };

    private static readonly Option<string?> Kind = new("--kind")
    {
        Description = "Only of this kind: crash-loop, silent, weak-signal or stranded.",
        HelpName = "kind",
    };

    private static readonly Option<bool> Open = new("--open") { Description = "Only what is still open." };
    private static readonly Option<int?> Limit = new("--limit") { Description = "At most so many.", HelpName = "n" };
    private static readonly Option<long?> After = new("--after")
    {
        Description = "Only those older than this alert, the last one of the page before.",
        HelpName = "id",
    };

    public static Command Command { get; } = new Verb("list", "List what is or was wrong with devices, newest first.", RunAsync)
    {
        Product,
        Device,
        Kind,
        Open,
        Limit,
        After,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var path = ApiPath.Of($"alerts")
            .With("product", call.Get(Product)).With("device", call.Get(Device)).With("kind", call.Get(Kind))
            .With("open", call.Get(Open) ? "true" : null).With("limit", call.Get(Limit)).With("after", call.Get(After));
        var alerts = await call.Api.GetAsync<Alert[]>(path, cancellation);
        call.Screen.Show(alerts, screen => screen.Table(
            ["Device", "Alert", "Opened", "Closed", "Detail", "Hardware id", "Product", "Id"],
            [.. alerts.Select(alert => new Cell[]
            {
                new(alert.Device, Tone.Strong),
                new(alert.Kind, alert.Closed is null ? Tone.Bad : Tone.Dim),
                When.Ago(alert.Opened, call.Now),
                alert.Closed is null ? new Cell("open", Tone.Bad) : When.Ago(alert.Closed, call.Now),
                alert.Detail,
                alert.HardwareId,
                alert.Product,
                (long?)alert.Id,
            })],
            "No alert."));
    }
}
