using System.Data.Common;
using Dapper;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Products;

namespace Ota.Server.Devices;

/// <summary>All devices, in memory. A held check-in is decided from here without the database.</summary>
internal sealed class Fleet(Database database)
{
    private const int Locks = 1024;

    private readonly DeviceIndex _byId = new(device => device.Id);
    private readonly DeviceNames _names = new();
    private readonly SemaphoreSlim[] _locks = NewLocks();
    private readonly SemaphoreSlim[] _hardwareLocks = NewLocks();

    public int Count => _byId.Count;

    public IEnumerable<Device> All => _byId.All;

    public void Load()
    {
        database.Read(connection =>
        {
            // Row by row, and what many devices say alike once: a million of them would else take twice the memory and the time.
            var texts = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (var row in DeviceTable.All(connection))
                Add(row.ToDevice(text => texts.TryGetValue(text, out var known) ? known : texts[text] = text));
            foreach (var deployment in DeploymentTable.AllOpen(connection))
                Find(deployment.Device)!.Open = deployment;
            foreach (var decommission in Decommission.All(connection))
                Find(decommission.Device)!.Decommissioned = decommission;
            return 0;
        });
    }

    /// <summary>Takes over what another server wrote about these devices; new ones are added.</summary>
    public async Task RenewAsync(IReadOnlyList<string> ids, CancellationToken cancellation)
    {
        foreach (var id in ids)
        {
            var device = Find(id);
            if (device is null && database.Read(connection => connection.QuerySingleOrDefault<DeviceRow>(DeviceTable.OneSql, new { id })) is { } row)
                device = Add(row.ToDevice());
            if (device is not null)
                (await LockAsync(device, cancellation)).Dispose();
        }
    }

    /// <summary>Takes over a piece of hardware that another server enrolled; false when none did.</summary>
    public async Task<bool> LearnAsync(string product, string hardwareId, CancellationToken cancellation)
    {
        var id = database.Read(connection => connection.ExecuteScalar<string?>(DeviceTable.ByHardwareSql, new { product, hardwareId }));
        if (id is null)
            return false;
        await RenewAsync([id], cancellation);
        return true;
    }

    public static IReadOnlyList<string> AllIds(DbConnection connection) => connection.Query<string>("SELECT id FROM devices").AsList();

    /// <summary>Takes over when and with what other servers last heard from these devices.</summary>
    public void RenewHeard(IReadOnlyList<string> ids)
    {
        foreach (var row in database.Read(connection => connection.Query<DeviceRow>(DeviceTable.SomeSql, new { ids = ids.ToArray() }).AsList()))
        {
            if (Find(row.Id) is { } device && row.ToDevice().Heard is { } heard && (device.Heard is null || device.Heard.At < heard.At))
                device.Heard = heard;
        }
    }

    /// <summary>Adds a device, unless it is there; the one that is there then.</summary>
    public Device Add(Device device)
    {
        var kept = _byId.GetOrAdd(device);
        if (ReferenceEquals(kept, device))
            _names.Add(device);
        return kept;
    }

    public Device? Find(string id) => _byId.Find(id);

    /// <summary>Whose id or hardware id this is: none, one, or several that cannot be told apart by it.</summary>
    public IReadOnlyList<Device> Named(string name) =>
        Find(name) is { } device || (device = Find(name.ToLowerInvariant())) is not null ? [device] : _names.Find(name);

    public Device? FindByHardware(string product, string hardwareId) => _names.Find(product, hardwareId);

    /// <summary>
    /// Whoever changes a device's facts holds this; devices share locks, so hold one at a time. Where several servers write, the facts are read
    /// anew, and what is decided on them is written with their <see cref="Device.Basis"/>.
    /// </summary>
    public async ValueTask<Held> LockAsync(Device device, CancellationToken cancellation)
    {
        var held = await LockAsync(_locks, device.Id, cancellation);
        if (!database.IsShared)
            return held;
        try
        {
            Renew(device);
            return held;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Keeps this server from changing a device while its facts are looked at; another server may have changed it in the last second.</summary>
    public ValueTask<Held> HoldAsync(Device device, CancellationToken cancellation) => LockAsync(_locks, device.Id, cancellation);

    /// <summary>Whoever enrolls a piece of hardware holds this; taken before the device's own lock, never after.</summary>
    public ValueTask<Held> LockHardwareAsync(string hardwareId, CancellationToken cancellation) =>
        LockAsync(_hardwareLocks, hardwareId, cancellation);

    // Under the device's lock. The position is read first: what comes between makes a decision look older than it is, never newer.
    private void Renew(Device device)
    {
        var (position, row, open, decommission) = database.Read(connection => (
            connection.ExecuteScalar<long>(DeviceTable.PositionSql),
            connection.QuerySingle<DeviceRow>(DeviceTable.OneSql, new { device.Id }),
            DeploymentTable.OpenOf(connection, device.Id),
            Decommission.Of(connection, device.Id)));
        device.Position = position;
        row.CopyTo(device);
        var looksAgain = device.Open != open || device.Decommissioned != decommission;
        device.Open = open;
        device.Decommissioned = decommission;
        if (looksAgain)
            device.Considered = null;
    }

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
    // DeviceRow.Of reads the columns in this order.
    public const string AllSql =
        """
        SELECT id, product, hardware_id, hardware, group_name, generation, enrolled, checked_in, handed_over, running, release, slot,
               security_counter, last_order, order_number, instruction, state, last_seen, next_check_in, restart_cause, restart_at,
               restarts, uptime, rssi, free_memory, zone, before_running, before_release,
               dialect, protection, told_image, shut_out
        FROM devices
        """;

    public const string OneSql = AllSql + " WHERE id = @id";

    public const string ByHardwareSql = "SELECT id FROM devices WHERE product = @product AND hardware_id = @hardwareId";

    // These two where several servers write, and so on PostgreSQL alone.
    public const string SomeSql = AllSql + " WHERE id = ANY(@ids)";

    public const string PositionSql = "SELECT COALESCE(max(seq), 0) FROM changes";

    public const string InsertSql =
        """
        INSERT INTO devices (id, product, hardware_id, hardware, generation, enrolled, checked_in, handed_over, running, slot, security_counter,
                             last_order, order_number, instruction, state, restart_at, restarts, uptime, rssi, free_memory, dialect,
                             protection)
        VALUES (@Id, @Product, @HardwareId, @Hardware, 1, @Enrolled, 0, 0, @Running, 'confirmed', 0, 0, 0, 0, 'enrolled', 0, 0, 0, 0, 0, @Dialect,
                @Protection)
        ON CONFLICT (product, hardware_id) DO NOTHING
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
        "UPDATE devices SET order_number = CASE WHEN order_number < @OrderNumber THEN @OrderNumber ELSE order_number END, instruction = @Instruction, state = @State WHERE id = @Id";

    /// <summary>What it ran before.</summary>
    public const string BeforeSql = "UPDATE devices SET before_running = @Running, before_release = @Release WHERE id = @Id";

    /// <summary>What a client that is not ours said of its image, and whether it is given nothing.</summary>
    public const string ClientSql = "UPDATE devices SET told_image = @ToldImage, shut_out = @ShutOut WHERE id = @Id";

    /// <summary>
    /// What a check-in says; written behind when nothing hangs on it, with the decision when something does. What an earlier generation
    /// said is not written over what a later one has yet to say.
    /// </summary>
    public static void WriteHeard(DbConnection connection, string device, Heard heard) =>
        connection.ExecuteKept(
            HeardSql,
            ("@Id", device),
            ("@Generation", heard.Generation),
            ("@Running", heard.CheckIn.Running),
            ("@Release", heard.CheckIn.Release),
            ("@Slot", heard.CheckIn.Slot.Word()),
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

    /// <summary>Every row, one after the other and by hand: a mapper takes as long as the database.</summary>
    public static IEnumerable<DeviceRow> All(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = AllSql;
        using var rows = command.ExecuteReader();
        while (rows.Read())
            yield return DeviceRow.Of(rows);
    }
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

    public string? Zone { get; init; }

    public string? BeforeRunning { get; init; }

    public string? BeforeRelease { get; init; }

    public string? Dialect { get; init; }

    public string? Protection { get; init; }

    public string? ToldImage { get; init; }

    public long ShutOut { get; init; }

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
                        kept(Hardware)),
                    DateTimeOffset.FromUnixTimeMilliseconds(seen),
                    DateTimeOffset.FromUnixTimeMilliseconds(NextCheckIn ?? seen),
                    Generation)
                : null,
        };
    }
}
