using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Devices;

/// <summary><c>ota device show</c>: what a support agent reads while the owner is on the phone.</summary>
internal static class ShowDevice
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };

    public static Command Command { get; } = new Verb("show", "Show what a device is, runs and went through.", RunAsync) { Id };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var device = await call.Api.GetAsync<DeviceDetail>(ApiPath.Of($"devices/{call.Get(Id)}"), cancellation);
        call.Screen.Show(device, screen => Human(screen, device, call.Now));
    }

    private static void Human(Screen screen, DeviceDetail device, DateTimeOffset now)
    {
        screen.Line(
            new Cell(device.Id, Tone.Strong), "  ", Cell.State(device.State),
            device.Running is null ? $", {device.Product} of a version it never told"
                : $", {(device.RunningAssumed == true ? "taken to run" : "runs")} {device.Product} {device.Running}",
            device.LastSeen is null ? ", never seen" : $", seen {When.Ago(device.LastSeen, now)}");
        screen.Line();
        screen.Facts(
            ("Last seen", When.Both(device.LastSeen, now)),
            ("Next check-in", NextCheckIn(device, now)),
            ("Wi-Fi", Wifi.Of(device.Rssi)),
            ("Last restart", LastRestart(device, now)),
            ("Up for", device.Uptime is { } uptime ? UpFor(uptime) : Untold(device)),
            ("Free memory", device.FreeMemory is null ? Untold(device) : Size.Of(device.FreeMemory)),
            ("Runs", device.Slot is { } slot ? $"{device.Running}, {slot}" : device.Runs),
            ("Hardware", $"{device.Hardware}, {device.HardwareId}"),
            ("Updater", Updater(device)),
            ("Group", device.Group),
            ("Time zone", device.Zone),
            ("Enrolled", When.Both(device.Enrolled, now)),
            ("Secrets", device.Generation is > 1 ? $"generation {device.Generation}" : ""),
            ("Hand-over", new Cell(device.HandOverPending == true ? "pending: until it enrolls again, its old secrets work" : "", Tone.Busy)),
            ("Security floor", device.SecurityCounter is null ? Untold(device) : device.SecurityCounter),
            ("Last order", device.LastOrder is null ? Untold(device) : device.LastOrder));

        screen.Line();
        if (device.Deployments.Count > 0)
        {
            screen.Line(new Cell("Deployments, newest first", Tone.Strong));
            screen.Table(
                ["Deployment", "Does", "Version", "State", "Detail", "Ordered", "By", "Ended"],
                [.. device.Deployments.Select(one => new Cell[]
                {
                    one.Id, one.Does, one.Version, Cell.State(one.State), one.Detail,
                    When.Ago(one.Created, now), one.CreatedBy, When.Ago(one.Ended, now),
                })],
                "");
            screen.Line();
        }

        screen.Line(new Cell("Timeline, oldest first", Tone.Strong));
        screen.Table(
            ["When", "", "What", "Who"],
            [.. device.Timeline.Select(entry => new Cell[] { When.Exact(entry.At), Cell.State(entry.Kind), entry.Text, entry.By })],
            "Nothing happened yet.");
    }

    private static Cell Updater(Device device) => device.Dialect is null
        ? new Cell("")
        : new Cell(
            $"{device.Dialect}, checks {(device.Protection == "signed" ? "a signature" : device.Protection)}, "
            + (device.Resumes == true ? "goes on with a download that was cut" : "begins a download that was cut anew"),
            device.Protection == "signed" ? Tone.Plain : Tone.Busy);

    // It may have restarted since.
    private static string UpFor(long seconds) =>
        (seconds == 0 ? "less than a second" : When.Length(TimeSpan.FromSeconds(seconds))) + " when last seen";

    // A client that is not ours and was heard may tell it never.
    private static string Untold(Device device) => device is { Dialect: not null, LastSeen: not null } ? "-" : "";

    // A minute of grace, for a slow start or a busy network.
    private static Cell NextCheckIn(Device device, DateTimeOffset now)
    {
        var by = device.NextCheckInExpected == true ? ", going by its product's poll" : "";
        return (now - device.NextCheckIn) switch
        {
            null => new Cell(""),
            { Ticks: < 0 } => new Cell(When.Both(device.NextCheckIn, now) + by),
            { TotalMinutes: <= 1 } => new Cell($"due now ({When.Exact(device.NextCheckIn)}){by}"),
            { } late => new Cell($"overdue by {When.Length(late)} ({When.Exact(device.NextCheckIn)}){by}", by.Length > 0 ? Tone.Busy : Tone.Bad),
        };
    }

    private static Cell LastRestart(Device device, DateTimeOffset now)
    {
        if (device.RestartCause is null)
            return new Cell(Untold(device));
        var at = device.RestartAt is { } when && when > DateTimeOffset.UnixEpoch ? ", " + When.Both(when, now) : "";
        var count = device.Restarts is { } restarts ? $", {restarts} in all" : "";
        var tone = device.RestartCause is "crash" ? Tone.Bad
            : device.RestartCause is "wifi-timeout" or "server-timeout" ? Tone.Busy : Tone.Plain;
        return new Cell(device.RestartCause + at + count, tone);
    }
}
