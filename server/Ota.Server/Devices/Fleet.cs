using System.Collections.Concurrent;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Deployments;

namespace Ota.Server.Devices;

/// <summary>All devices, in memory. A held check-in is decided from here without the database.</summary>
internal sealed class Fleet(Database database)
{
    private const int Locks = 1024;

    private readonly ConcurrentDictionary<string, Device> _byId = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Product, string HardwareId), Device> _byHardware = new();
    private readonly DeviceNames _names = new();
    private readonly SemaphoreSlim[] _locks = NewLocks();
    private readonly SemaphoreSlim[] _hardwareLocks = NewLocks();

    public int Count => _byId.Count;

    public ICollection<Device> All => _byId.Values;

    public void Load()
    {
        var (rows, open, wiped) = database.Read(connection => (
            connection.Query<DeviceRow>(DeviceTable.AllSql).AsList(), DeploymentTable.AllOpen(connection), Decommission.All(connection)));
        foreach (var row in rows)
            Add(row.ToDevice());
        foreach (var deployment in open)
            _byId[deployment.Device].Open = deployment;
        foreach (var decommission in wiped)
            _byId[decommission.Device].Decommissioned = decommission;
    }

    public void Add(Device device)
    {
        _byId[device.Id] = device;
        _byHardware[(device.Product, device.HardwareId)] = device;
        _names.Add(device);
    }

    public Device? Find(string id) => _byId.GetValueOrDefault(id);

    /// <summary>Whose id or hardware id this is: none, one, or several that cannot be told apart by it.</summary>
    public IReadOnlyList<Device> Named(string name) =>
        Find(name) is { } device || (device = Find(name.ToLowerInvariant())) is not null ? [device] : _names.Find(name);

    public Device? FindByHardware(string product, string hardwareId) => _byHardware.GetValueOrDefault((product, hardwareId));

    /// <summary>Whoever changes a device's facts holds this; devices share locks, so hold one at a time.</summary>
    public ValueTask<Held> LockAsync(Device device, CancellationToken cancellation) => LockAsync(_locks, device.Id, cancellation);

    /// <summary>Whoever enrolls a piece of hardware holds this; taken before the device's own lock, never after.</summary>
    public ValueTask<Held> LockHardwareAsync(string hardwareId, CancellationToken cancellation) =>
        LockAsync(_hardwareLocks, hardwareId, cancellation);

    private static async ValueTask<Held> LockAsync(SemaphoreSlim[] locks, string key, CancellationToken cancellation)
    {
        var gate = locks[(uint)string.GetHashCode(key, StringComparison.Ordinal) % Locks];
        await gate.WaitAsync(cancellation);
        return new Held(gate);
    }

    private static SemaphoreSlim[] NewLocks() => [.. Enumerable.Range(0, Locks).Select(_ => new SemaphoreSlim(1, 1))];

    /// <summary>Lets go of the lock when disposed.</summary>
    public readonly struct Held(SemaphoreSlim gate) : IDisposable
    {
        public void Dispose() => gate.Release();
    }
}

/// <summary>The rows of devices.</summary>
internal static class DeviceTable
{
    public const string AllSql =
        """
        SELECT id, product, hardware_id, hardware, group_name, generation, enrolled, checked_in, handed_over, running, release, slot,
               security_counter, last_order, order_number, instruction, state, last_seen, next_check_in, restart_cause, restart_at,
               restarts, uptime, rssi, free_memory, before_running, before_release
        FROM devices
        """;

    public const string InsertSql =
        """
        INSERT INTO devices (id, product, hardware_id, hardware, generation, enrolled, checked_in, handed_over, running, slot, security_counter,
                             last_order, order_number, instruction, state, restart_at, restarts, uptime, rssi, free_memory)
        VALUES (@Id, @Product, @HardwareId, @Hardware, 1, @Enrolled, 0, 0, @Running, 'confirmed', 0, 0, 0, 0, 'enrolled', 0, 0, 0, 0, 0)
        """;

    private const string HeardSql =
        """
        UPDATE devices SET checked_in = 1, running = @Running, release = @Release, slot = @Slot, security_counter = @SecurityCounter,
               last_order = @LastOrder, last_seen = @LastSeen, next_check_in = @NextCheckIn, restart_cause = @RestartCause,
               restart_at = @RestartAt, restarts = @Restarts, uptime = @Uptime, rssi = @Rssi, free_memory = @FreeMemory
        WHERE id = @Id AND generation = @Generation
        """;

    /// <summary>What the server decided about it.</summary>
    public const string DecidedSql =
        "UPDATE devices SET order_number = max(order_number, @OrderNumber), instruction = @Instruction, state = @State WHERE id = @Id";

    /// <summary>What it ran before.</summary>
    public const string BeforeSql = "UPDATE devices SET before_running = @Running, before_release = @Release WHERE id = @Id";

    /// <summary>
    /// What a check-in says; written behind when nothing hangs on it, with the decision when something does. What an earlier generation
    /// said is not written over what a later one has yet to say.
    /// </summary>
    public static void WriteHeard(SqliteConnection connection, string device, Heard heard) =>
        connection.ExecuteKept(
            HeardSql,
            ("@Id", device),
            ("@Generation", heard.Generation),
            ("@Running", heard.CheckIn.Running),
            ("@Release", heard.CheckIn.Release),
            ("@Slot", heard.CheckIn.Slot == SlotState.Trial ? "trial" : "confirmed"),
            ("@SecurityCounter", heard.CheckIn.SecurityCounter),
            ("@LastOrder", heard.CheckIn.LastOrder),
            ("@LastSeen", heard.At.ToUnixTimeMilliseconds()),
            ("@NextCheckIn", heard.Next.ToUnixTimeMilliseconds()),
            ("@RestartCause", heard.CheckIn.Restart.Cause),
            ("@RestartAt", heard.CheckIn.Restart.At),
            ("@Restarts", heard.CheckIn.Restart.Count),
            ("@Uptime", heard.CheckIn.Uptime),
            ("@Rssi", heard.CheckIn.Rssi),
            ("@FreeMemory", heard.CheckIn.FreeMemory));
}

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

    public string? BeforeRunning { get; init; }

    public string? BeforeRelease { get; init; }

    public Device ToDevice() => new(Id, Product, HardwareId, Hardware, DateTimeOffset.FromUnixTimeMilliseconds(Enrolled))
    {
        Group = GroupName,
        Generation = Generation,
        CheckedIn = CheckedIn != 0,
        HandedOver = HandedOver != 0,
        OrderNumber = OrderNumber,
        Instruction = Instruction,
        State = State,
        RunningAtEnrollment = Running,
        Before = BeforeRunning is null ? null : new Ran(BeforeRunning, BeforeRelease),
        Heard = LastSeen is { } seen
            ? new Heard(
                new CheckIn(
                    Running,
                    Release,
                    Enum.Parse<SlotState>(Slot, ignoreCase: true),
                    (int)SecurityCounter,
                    LastOrder,
                    Cleared: 0,
                    KeyCounter: 0,
                    new Restart(RestartCause ?? "power-or-unknown", RestartAt, Restarts),
                    Uptime,
                    (int)Rssi,
                    FreeMemory,
                    Hardware),
                DateTimeOffset.FromUnixTimeMilliseconds(seen),
                DateTimeOffset.FromUnixTimeMilliseconds(NextCheckIn ?? seen),
                Generation)
            : null,
    };
}
