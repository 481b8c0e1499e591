using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Spectre.Console;

namespace Ota.Cli.Devices;

/// <summary>
/// <c>ota device watch</c>: a table that follows the devices until Ctrl-C. Where nobody looks, a line for each device whose row changed:
/// JSON with --json, plain text else.
/// </summary>
internal static class WatchDevices
{
    private static readonly Argument<string?> Product = new("product")
    {
        Description = "Only of this product.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<string?> One = new("--device") { Description = "Only this device, by its id or hardware id.", HelpName = "id" };

    public static Command Command { get; } = new Verb(
        "watch",
        $"Follow devices (the first {DeviceCalls.PageSize}) until Ctrl-C. With --json, or when redirected, one line for each change.",
        RunAsync)
    {
        Product,
        One,
    };

    private static Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Find(Product) is not null && call.Get(One) is not null)
            throw FailureException.Usage("Give a product or --device, not both.");
        return Watch.RunAsync(call, stop => DevicesAsync(call, stop), Draw, new ChangedLines(call).Write, cancellation);
    }

    private static async Task<Device[]> DevicesAsync(Call call, CancellationToken cancellation) => call.Get(One) is { } id
        ? [await call.Api.GetAsync<Device>(ApiPath.Of($"devices/{id}"), cancellation)]
        : await call.Api.DevicesAsync(new DeviceFilter(call.Find(Product), null, null, null), DeviceCalls.PageSize, cancellation);

    private static Rows Draw(Device[] devices, DateTimeOffset now)
    {
        // What moved last stands on top, and no more rows than the window has: a live table cannot scroll.
        var room = Math.Max(3, AnsiConsole.Profile.Height - 8);
        var rows = devices.OrderByDescending(device => device.LastSeen).Take(room).Select(device => new Cell[]
        {
            new(device.Id, Tone.Strong), device.HardwareId, device.Runs, Cell.State(device.State),
            When.Ago(device.LastSeen, now), new(device.Rssi is null or 0 ? "" : $"{device.Rssi} dBm", Wifi.Of(device.Rssi).Tone),
            device.Group,
        });
        var counts = devices.GroupBy(device => device.State).OrderBy(state => state.Key, StringComparer.Ordinal)
            .Select(state => $"{state.Count()} {state.Key}");
        var summary = $"{devices.Length} devices: {string.Join(", ", counts)}";
        return new Rows(
            new Text(Cell.Clean(summary), Screen.StyleOf(Tone.Strong)),
            DrawnTable.Of(["Device", "Hardware id", "Runs", "State", "Last seen", "Wi-Fi", "Group"], [.. rows], AnsiConsole.Profile.Width));
    }

    private sealed class ChangedLines(Call call)
    {
        private readonly Dictionary<string, Device> _known = [];

        public void Write(Device[] devices)
        {
            foreach (var device in devices.Where(device => !_known.TryGetValue(device.Id, out var before) || before != device))
            {
                _known[device.Id] = device;
                if (call.Screen.Json)
                    Screen.JsonLine(device);
                else
                    call.Screen.Line($"{When.Exact(call.Now)}  {device.Id}  {device.HardwareId}  {device.Runs}  {device.State}");
            }
        }
    }
}
