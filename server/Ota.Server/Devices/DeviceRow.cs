using System.Data.Common;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Products;

namespace Ota.Server.Devices;

/// <summary>A row of the devices table, and the device that it is.</summary>
internal sealed class DeviceRow
{
    public string Id { get; init; } = "";

    public string Product { get; init; } = "";

    public string HardwareId { get; init; } = "";

    public string Hardware { get; init; } = "";

    public string? GroupName { get; init; }

    public long Generation { get; init; }

    public long Enrolled { get; init; }

    public long CheckedIn { get; init; }

    public long HandedOver { get; init; }

    public string Running { get; init; } = "";

    public string? Release { get; init; }

    public string Slot { get; init; } = "";

    public long SecurityCounter { get; init; }

    public long LastOrder { get; init; }

    public long OrderNumber { get; init; }

    public long Instruction { get; init; }

    public string State { get; init; } = "";

    public long? LastSeen { get; init; }

    public long? NextCheckIn { get; init; }

    public string? RestartCause { get; init; }

    public long RestartAt { get; init; }

    public long Restarts { get; init; }

    public long Uptime { get; init; }

    public long Rssi { get; init; }

    public long FreeMemory { get; init; }

    public string? Zone { get; init; }

    public string? BeforeRunning { get; init; }

    public string? BeforeRelease { get; init; }

    public string? Dialect { get; init; }

    public string? Protection { get; init; }

    public string? ToldImage { get; init; }

    public long ShutOut { get; init; }

    public long Tells { get; init; }

    public static DeviceRow Of(DbDataReader row) => new()
    {
        Id = row.GetString(0),
        Product = row.GetString(1),
        HardwareId = row.GetString(2),
        Hardware = row.GetString(3),
        GroupName = Text(row, 4),
        Generation = row.GetInt64(5),
        Enrolled = row.GetInt64(6),
        CheckedIn = row.GetInt64(7),
        HandedOver = row.GetInt64(8),
        Running = row.GetString(9),
        Release = Text(row, 10),
        Slot = row.GetString(11),
        SecurityCounter = row.GetInt64(12),
        LastOrder = row.GetInt64(13),
        OrderNumber = row.GetInt64(14),
        Instruction = row.GetInt64(15),
        State = row.GetString(16),
        LastSeen = Number(row, 17),
        NextCheckIn = Number(row, 18),
        RestartCause = Text(row, 19),
        RestartAt = row.GetInt64(20),
        Restarts = row.GetInt64(21),
        Uptime = row.GetInt64(22),
        Rssi = row.GetInt64(23),
        FreeMemory = row.GetInt64(24),
        Zone = Text(row, 25),
        BeforeRunning = Text(row, 26),
        BeforeRelease = Text(row, 27),
        Dialect = Text(row, 28),
        Protection = Text(row, 29),
        ToldImage = Text(row, 30),
        ShutOut = row.GetInt64(31),
        Tells = row.GetInt64(32),
    };

    /// <summary>Lets a device's facts be as they stand here.</summary>
    public void CopyTo(Device device)
    {
        var looksAgain = device.Group != GroupName || device.Generation != Generation || device.Zone?.Id != Zone;
        device.Group = GroupName;
        device.Zone = Place();
        device.Generation = Generation;
        device.CheckedIn = CheckedIn != 0;
        device.HandedOver = HandedOver != 0;
        device.OrderNumber = OrderNumber;
        device.Instruction = Instruction;
        device.State = State;
        device.Before = BeforeRunning is null ? null : new Ran(BeforeRunning, BeforeRelease);
        device.Client = Client();
        device.ToldImage = ToldImage;
        device.ShutOut = ShutOut != 0;
        // Within the same millisecond what is on disk comes from a decision, which is on disk at once.
        if (ToDevice().Heard is { } heard && (device.Heard is null || device.Heard.At < heard.At.AddMilliseconds(1)))
            device.Heard = heard;
        // After the facts: who reads them without the lock reads this first.
        if (looksAgain)
            device.Considered = null;
    }

    private static string? Text(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static long? Number(DbDataReader row, int column) => row.IsDBNull(column) ? null : row.GetInt64(column);

    // One that this machine does not know is as none: the zone of the poll.
    private TimeZoneInfo? Place() => Zone is not null && TimeZoneInfo.TryFindSystemTimeZoneById(Zone, out var zone) ? zone : null;

    // A dialect that this version does not know gets no answers.
    private ForeignClient? Client() => ClientDialect.Find(Dialect) is { } dialect
        ? new ForeignClient(dialect, ProtectionWords.Parse(Protection) ?? dialect.Protection)
        : null;

    public Device ToDevice() => ToDevice(text => text);

    /// <param name="kept">The one of a text that is kept, for those that many devices say alike.</param>
    public Device ToDevice(Func<string, string> kept)
    {
        var (running, release) = (kept(Running), Release is null ? null : kept(Release));
        return new Device(Id, kept(Product), HardwareId, kept(Hardware), DateTimeOffset.FromUnixTimeMilliseconds(Enrolled))
        {
            Group = GroupName is null ? null : kept(GroupName),
            Zone = Place(),
            Generation = Generation,
            CheckedIn = CheckedIn != 0,
            HandedOver = HandedOver != 0,
            OrderNumber = OrderNumber,
            Instruction = Instruction,
            State = kept(State),
            RunningAtEnrollment = running,
            Client = Client(),
            ToldImage = ToldImage,
            ShutOut = ShutOut != 0,
            Before = BeforeRunning is null ? null : new Ran(kept(BeforeRunning), BeforeRelease is null ? null : kept(BeforeRelease)),
            Heard = LastSeen is { } seen
                ? new Heard(
                    new CheckIn(
                        running,
                        release,
                        Slot == "trial" ? SlotState.Trial : SlotState.Confirmed,
                        (int)SecurityCounter,
                        LastOrder,
                        Cleared: 0,
                        KeyCounter: 0,
                        new Restart(kept(RestartCause ?? "power-or-unknown"), RestartAt, Restarts),
                        Uptime,
                        (int)Rssi,
                        FreeMemory,
                        kept(Hardware))
                    {
                        Tells = (Telling)Tells,
                    },
                    DateTimeOffset.FromUnixTimeMilliseconds(seen),
                    DateTimeOffset.FromUnixTimeMilliseconds(NextCheckIn ?? seen),
                    Generation)
                : null,
        };
    }
}
