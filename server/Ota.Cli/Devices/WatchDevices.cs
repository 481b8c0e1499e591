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
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

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

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Find(Product) is not null && call.Get(One) is not null)
            throw FailureException.Usage("Give a product or --device, not both.");
        // The first look may fail as any command does; later ones are said in the table and tried again.
        var devices = await DevicesAsync(call, cancellation);
        try
        {
            if (Screen.IsTerminal && !call.Screen.Json)
                await call.Screen.Canvas.Live(Draw(devices, null, call.Now)).AutoClear(false).StartAsync(
                    live => FollowAsync(call, devices, (now, trouble) => Redraw(live, now, trouble, call.Now), cancellation));
            else
                await FollowAsync(call, devices, new ChangedLines(call).Write, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C is how a watch ends, not how it fails.
        }
    }

    private static async Task FollowAsync(
        Call call, Device[] devices, Action<Device[], string?> show, CancellationToken cancellation)
    {
        show(devices, null);
        using var timer = new PeriodicTimer(Interval, call.Time);
        while (await timer.WaitForNextTickAsync(cancellation))
        {
            string? trouble = null;
            try
            {
                devices = await DevicesAsync(call, cancellation);
            }
            catch (FailureException failure)
            {
                trouble = failure.Title;
            }

            show(devices, trouble);
        }
    }

    private static async Task<Device[]> DevicesAsync(Call call, CancellationToken cancellation) => call.Get(One) is { } id
        ? [await call.Api.GetAsync<Device>(ApiPath.Of($"devices/{id}"), cancellation)]
        : await call.Api.DevicesAsync(new DeviceFilter(call.Find(Product), null, null, null), DeviceCalls.PageSize, cancellation);

    private static void Redraw(LiveDisplayContext live, Device[] devices, string? trouble, DateTimeOffset now)
    {
        live.UpdateTarget(Draw(devices, trouble, now));
        live.Refresh();
    }

    private static Rows Draw(Device[] devices, string? trouble, DateTimeOffset now)
    {
        // What moved last stands on top, and no more rows than the window has: a live table cannot scroll.
        var room = Math.Max(3, AnsiConsole.Profile.Height - 8);
        var rows = devices.OrderByDescending(device => device.LastSeen).Take(room).Select(device => new Cell[]
        {
            new(device.Id, Tone.Strong), device.HardwareId, device.Running, Cell.State(device.State),
            When.Ago(device.LastSeen, now), new(device.Rssi is null or 0 ? "" : $"{device.Rssi} dBm", Wifi.Of(device.Rssi).Tone),
            device.Group,
        });
        var counts = devices.GroupBy(device => device.State).OrderBy(state => state.Key, StringComparer.Ordinal)
            .Select(state => $"{state.Count()} {state.Key}");
        var summary = $"{devices.Length} devices: {string.Join(", ", counts)}";
        return new Rows(
            new Text(Cell.Clean(summary), Screen.StyleOf(Tone.Strong)),
            DrawnTable.Of(["Device", "Hardware id", "Runs", "State", "Last seen", "Wi-Fi", "Group"], [.. rows], AnsiConsole.Profile.Width),
            new Text(Cell.Clean(trouble ?? When.Exact(now) + ", Ctrl-C ends"), Screen.StyleOf(trouble is null ? Tone.Dim : Tone.Bad)));
    }

    private sealed class ChangedLines(Call call)
    {
        private readonly Dictionary<string, Device> _known = [];
        private string? _trouble;

        public void Write(Device[] devices, string? trouble)
        {
            if (trouble is not null && trouble != _trouble)
                call.Screen.Warn(trouble);
            _trouble = trouble;
            foreach (var device in devices.Where(device => !_known.TryGetValue(device.Id, out var before) || before != device))
            {
                _known[device.Id] = device;
                if (call.Screen.Json)
                    Screen.JsonLine(device);
                else
                    call.Screen.Line($"{When.Exact(call.Now)}  {device.Id}  {device.HardwareId}  {device.Running}  {device.State}");
            }
        }
    }
}
