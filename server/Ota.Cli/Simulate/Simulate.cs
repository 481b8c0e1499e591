using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Products;
using Ota.Cli.Session;
using Ota.Cli.Units;
using Ota.Virtual;

namespace Ota.Cli.Simulate;

/// <summary>How one virtual device stands, by what it truly started.</summary>
/// <param name="AsksIn">Seconds of its own time until it asks next; null while that is not settled.</param>
internal sealed record SimulatedDevice(
    string HardwareId, string? Device, string Running, string Slot, string State, string? Detail, string? ImageSha256, long? AsksIn);

/// <param name="SerialPort">A path that <c>ota serial</c> opens, as long as the device lives.</param>
internal sealed record VirtualSerialPort(string HardwareId, string SerialPort);

/// <summary><c>ota simulate</c>: virtual devices that run the real agent against the server.</summary>
internal static class Simulate
{
    private static readonly Argument<string> Product = Arguments.Product();

    private static readonly Option<int> Count = new("--count")
    {
        Description = "How many devices; those of the last call go on, missing ones are made.",
        DefaultValueFactory = _ => 1,
    };

    private static readonly Option<bool> Once = new("--once")
    {
        Description = "Enroll, check in, install, restart and confirm until nothing is left to do, then end. Waiting takes no real time.",
    };

    private static readonly Option<string> Hardware = new("--hardware")
    {
        Description = "The hardware they say they are; any bytes are an image for 'virtual'.",
        HelpName = "name",
        DefaultValueFactory = _ => "virtual",
    };

    private static readonly Option<string?> State = new("--state")
    {
        Description = "The folder of their flash; by default one for each server and product in your state folder.",
        HelpName = "folder",
    };

    private static readonly Option<string[]> ReleaseKeys = new("--release-key")
    {
        Description = "Public release key that new devices trust from the factory; by default those of the product. "
            + "A real device gets its keys at the factory and never from the server.",
        HelpName = "file",
    };

    private static readonly Option<double> BadUnits = new("--bad-units")
    {
        Description = "Share of units, 0 to 1, whose new image never checks in after its trial start.",
        HelpName = "share",
    };

    private static readonly Option<bool> Serial = new("--serial")
    {
        Description = "Give the first of them a serial port that 'ota serial' can open, until Ctrl-C. Linux.",
    };

    // Seconds; so a device that was told to check in does so at once.
    private const int PinWait = 20;

    public static Command Command { get; } = new Verb(
        "simulate",
        "Run virtual devices: the real agent on simulated flash, radio and clock. Without --once they live until Ctrl-C, and the "
        + $"first {FleetOptions.Listeners} listen for virtual pins ('ota pin').",
        RunAsync)
    {
        Product,
        Count,
        Once,
        Hardware,
        State,
        ReleaseKeys,
        BadUnits,
        Serial,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(Count) is < 1 or > 100_000)
            throw FailureException.Usage("--count is 1 to 100,000.");
        if (call.Get(BadUnits) is not (>= 0 and <= 1))
            throw FailureException.Usage("--bad-units is a share from 0 to 1, like 0.03.");
        if (call.Get(Serial) && call.Get(Once))
            throw FailureException.Usage("--serial is for devices that live on; leave out --once.");
        var product = await call.Api.ProductAsync(call.Get(Product), cancellation);
        if (!product.Hardware.Contains(call.Get(Hardware)))
        {
            throw FailureException.Usage(
                $"Product '{product.Name}' exists on {string.Join(", ", product.Hardware)}; choose one by --hardware.");
        }

        var folder = call.Get(State)
            ?? Path.Combine(XdgFolders.State, "ota", "simulate", $"{call.Api.Server.Host}-{call.Api.Server.Port}", product.Name);
        await using var fleet = await OpenAsync(call, product, folder, cancellation);
        try
        {
            if (call.Get(Once))
            {
                var devices = await fleet.RunOnceAsync(progress: null, cancellation);
                if (devices.Count(device => device.UnknownToServer) is > 0 and var strangers)
                    throw Strangers(strangers, devices.Count, folder);
                Show(call, devices, product);
            }
            else
            {
                if (call.Get(Serial))
                    await OpenConsoleAsync(call, fleet, product, cancellation);
                using var known = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
                var lines = new Lines(call, known);
                await fleet.RunAsync(lines, known.Token);
                if (lines.AreStrangers)
                    throw Strangers(call.Get(Count), call.Get(Count), folder);
            }
        }
        catch (ServerUnreachableException silence)
        {
            throw FailureException.Unreachable(silence.Message);
        }
    }

    private static async Task OpenConsoleAsync(Call call, Fleet fleet, Product product, CancellationToken cancellation)
    {
        var hardwareId = fleet.HardwareIdOf(0);
        var (label, _) = await call.Api.PostAsync<UnitAsked, RescueNetwork>(
            ApiPath.Of($"products/{product.Name}/units"), new UnitAsked(hardwareId), cancellation);
        var port = new VirtualSerialPort(hardwareId, fleet.OpenConsole(0, label.Password));
        if (call.Screen.Json)
            Screen.JsonLine(port);
        else
            call.Screen.Line($"The serial port of {hardwareId} is ", new Cell(port.SerialPort, Tone.Strong), ".");
    }

    private static FailureException Strangers(int count, int all, string folder) => FailureException.NotVerified(
        $"{(count == all ? "These virtual devices belong" : $"{count} of the {all} virtual devices belong")} to another server's data: "
        + $"the server does not know them (401). Delete {folder}, or give --state another folder.");

    private static async Task<Fleet> OpenAsync(Call call, Product product, string folder, CancellationToken cancellation)
    {
        var enrollmentKey = product.EnrollmentKey ?? throw FailureException.Usage(
            "Devices enroll with the product's enrollment key, which only developers may see; use a developer's staff key.");
        var given = call.Get(ReleaseKeys) ?? [];
        var keys = given.Length > 0
            ? await Task.WhenAll(given.Select(file => File.ReadAllTextAsync(file, cancellation)))
            : [.. product.ReleaseKeys.Select(key => key.Pem)];
        var options = new FleetOptions(
            call.Api.Server, product.Name, enrollmentKey, call.Get(Hardware)!, keys, folder, call.Get(Count))
        {
            BadUnits = call.Get(BadUnits),
            PinWait = call.Get(Once) ? 0 : PinWait,
            KeyCounter = given.Length > 0 ? 0 : product.KeyCounter,
        };
        try
        {
            return await Fleet.OpenAsync(options, cancellation);
        }
        catch (ArgumentException fault)
        {
            throw FailureException.Usage(fault.Message);
        }
    }

    private static void Show(Call call, IReadOnlyList<DeviceStatus> devices, Product product) => call.Screen.Show(
        devices.Select(Of).ToArray(),
        screen =>
        {
            screen.Table(
                ["Device", "Hardware id", "Runs", "Slot", "State", "Detail"],
                [.. devices.Take(50).Select(device => new Cell[]
                {
                    new(device.Device ?? "-", Tone.Strong), device.HardwareId, device.Running, device.Slot, Cell.State(device.State), device.Detail,
                })],
                "No devices.");
            if (devices.Count > 50)
            {
                var counts = devices.GroupBy(device => $"{device.State} on {device.Running}").OrderByDescending(group => group.Count());
                screen.Line($"{devices.Count} devices: {string.Join(", ", counts.Select(group => $"{group.Count()} {group.Key}"))}");
            }

            if (devices.Select(device => device.AsksIn).OfType<TimeSpan>().ToArray() is { Length: > 0 } waits)
            {
                var (first, last) = (When.Length(waits.Min()), When.Length(waits.Max()));
                screen.Line(new Cell(
                    $"Asking next in {(first == last ? first : $"{first} to {last}")} ({product.Poll}); the next 'ota simulate' lets them ask at once.",
                    Tone.Dim));
            }
        });

    private static SimulatedDevice Of(DeviceStatus device) => new(
        device.HardwareId, device.Device, device.Running, device.Slot, device.State, device.Detail, device.ImageSha256,
        (long?)device.AsksIn?.TotalSeconds);

    /// <summary>A line whenever a device of a live run gets somewhere else.</summary>
    /// <param name="stop">Cancelled when the server knows none of the devices.</param>
    private sealed class Lines(Call call, CancellationTokenSource stop) : IProgress<DeviceStatus>
    {
        private readonly Dictionary<string, DeviceStatus> _last = [];

        /// <summary>The server knows none of the devices.</summary>
        public bool AreStrangers { get; private set; }

        public void Report(DeviceStatus value)
        {
            lock (_last)
            {
                if (_last.TryGetValue(value.HardwareId, out var before) && before == value)
                    return;
                _last[value.HardwareId] = value;
                if (value.UnknownToServer && _last.Count == call.Get(Count) && _last.Values.All(device => device.UnknownToServer))
                {
                    AreStrangers = true;
                    stop.Cancel();
                }

                var next = value.AsksIn is { } wait ? $"asks next in {When.Length(wait)}" : "";
                if (call.Screen.Json)
                    Screen.JsonLine(Of(value));
                else
                    call.Screen.Line(
                        $"{When.Exact(call.Now)}  {value.Device ?? value.HardwareId}  {value.Running}  {value.State}  {value.Detail}  {next}".TrimEnd());
            }
        }
    }
}
