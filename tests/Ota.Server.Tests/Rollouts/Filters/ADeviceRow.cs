using FsCheck;
using FsCheck.Fluent;
using Ota.Server.CheckIns;
using Ota.Server.Devices;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Tests.Rollouts.Filters;

/// <summary>
/// A device as the table has it. Some values are such as no device may have; a filter must mean the same of them all
/// the same.
/// </summary>
internal sealed record ADeviceRow(
    string Id,
    string HardwareId,
    string Hardware,
    string? Group,
    long EnrolledAgo,
    long? SeenAgo,
    string Running,
    string State,
    string Slot,
    string Cause,
    long Restarts,
    int SecurityCounter,
    long Uptime,
    int Rssi,
    long FreeMemory)
{
    /// <summary>The largest number that makes an id.</summary>
    public const int Most = 150;

    /// <summary>How it speaks, if it is a client that is not ours.</summary>
    public string? Dialect { get; init; }

    private const long Hour = 3_600_000;

    /// <summary>Enrolled two hours ago and seen one hour ago.</summary>
    public static ADeviceRow Full { get; } = new(
        IdOf(0), "24:6f:28:aa:3f:10", "esp32", "kitchens", 2 * Hour, Hour, "1.4.0", "confirmed", "confirmed",
        "update", 3, 1, 7200, -67, 61440);

    // Enrolled and seen on the hour or a millisecond beside it: where a comparison turns.
    public static Gen<ADeviceRow> Any { get; } =
        from id in Gen.Choose(0, Most)
        from hardwareId in Gen.Elements(AFilter.HardwareIds)
        from hardware in Gen.Elements(AFilter.Texts)
        from isInGroup in Gen.Choose(0, 3)
        from @group in Gen.Elements(AFilter.Texts)
        from enrolled in Gen.Choose(-1, 6)
        from beside in Gen.Choose(-1, 1)
        from isSeen in Gen.Choose(0, 3)
        from seen in Gen.Choose(-1, 6)
        from running in Gen.Frequency((9, AFilter.Version), (1, Gen.Elements("1.4", "none", "v1.4.0", "")))
        from state in Gen.Elements(FilterField.Find("state")!.Words.AsEnumerable())
        from slot in Gen.Elements("confirmed", "trial")
        from cause in Gen.Elements(CheckIn.Causes)
        from numbers in Gen.ArrayOf(Gen.Choose(-3, 3), 4)
        from uptime in Gen.Choose(0, 5)
        from dialect in Gen.Elements(null, "esp8266")
        select new ADeviceRow(
            IdOf(id), hardwareId, hardware, isInGroup == 0 ? null : @group, enrolled * Hour + beside,
            isSeen == 0 ? null : seen * Hour + beside, running, state, slot, cause,
            numbers[0], numbers[1], uptime * 1800L + beside, numbers[2], numbers[3])
        {
            Dialect = dialect,
        };

    public static string IdOf(int number) => $"device{number}";

    /// <summary>As the server has it in memory.</summary>
    public Device ToDevice(DateTimeOffset now)
    {
        var device = new Device(Id, "kettle", HardwareId, Hardware, now.AddMilliseconds(-EnrolledAgo))
        {
            Group = Group, State = State, RunningAtEnrollment = Running,
            Client = ClientDialect.Find(Dialect) is { } dialect ? new ForeignClient(dialect, dialect.Protection) : null,
        };
        if (SeenAgo is { } ago)
        {
            var checkIn = new CheckIn(
                Running, Release: null, Slot == "trial" ? SlotState.Trial : SlotState.Confirmed, SecurityCounter,
                LastOrder: 0, Cleared: 0, KeyCounter: 0, new Restart(Cause, At: 0, Restarts), Uptime, Rssi, FreeMemory, Hardware);
            device.Heard = new Heard(checkIn, now.AddMilliseconds(-ago), now.AddDays(1), Generation: 1);
        }

        return device;
    }
}
