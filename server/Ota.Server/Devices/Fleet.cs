using System.Data.Common;
using Dapper;
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
