using System.CommandLine;
using Ota.Cli.Output;

namespace Ota.Cli.Devices;

/// <summary><c>ota device list</c></summary>
internal static class ListDevices
{
    private static readonly Option<string?> Product = new("--product") { Description = "Only of this product.", HelpName = "name" };
    private static readonly Option<string?> Group = new("--group") { Description = "Only in this group.", HelpName = "name" };
    private static readonly Option<string?> State = new("--state") { Description = "Only in this state, e.g. reverted.", HelpName = "state" };
    private static readonly Option<string?> Search = new("--search") { Description = "Only with this in an id.", HelpName = "text" };
    private static readonly Option<int?> Limit = new("--limit") { Description = "At most so many; all unless given.", HelpName = "n" };

    public static Command Command { get; } = new Verb("list", "List the devices.", RunAsync) { Product, Group, State, Search, Limit };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(Limit) is < 1)
            throw FailureException.Usage("--limit is 1 or more.");
        var filter = new DeviceFilter(call.Get(Product), call.Get(Group), call.Get(State), call.Get(Search));
        var devices = await call.Api.DevicesAsync(filter, call.Get(Limit) ?? int.MaxValue, cancellation);
        call.Screen.Show(devices, screen => screen.Table(
            ["Device", "Hardware id", "Product", "Runs", "State", "Group", "Updater", "Last seen", "Wi-Fi"],
            [.. devices.Select(device => new Cell[]
            {
                new(device.Id, Tone.Strong),
                device.HardwareId,
                device.Product,
                device.Runs,
                Cell.State(device.State),
                device.Group,
                device.Dialect,
                When.Ago(device.LastSeen, call.Now),
                device.Rssi is null or 0 ? new Cell("") : new Cell($"{device.Rssi} dBm", Wifi.Of(device.Rssi).Tone),
            })],
            "No device."));
    }
}
