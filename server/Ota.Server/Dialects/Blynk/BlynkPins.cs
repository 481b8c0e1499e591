using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Pins;
using Ota.Server.Products;

namespace Ota.Server.Dialects.Blynk;

/// <summary>Why a write was not taken.</summary>
internal enum BlynkRefusal
{
    /// <summary>The server writes it, or no device does.</summary>
    SystemPin,
    Value,
    TooMany,

    /// <summary>The token was revoked meanwhile.</summary>
    Token,
}

/// <summary>What comes by Blynk's wires, on the pins and in the timeline that every device has.</summary>
internal sealed class BlynkPins(Database database, PinDesk desk, PinLines lines, ProductCatalog products, TimeProvider time)
{
    /// <summary>Who wrote, for a call by the device's Blynk token.</summary>
    private const string App = "Blynk app";

    private const int LongestEvent = 500;
    private const int MostPins = 512;

    public PinLine Line(Device device) => lines.Of(device);

    public SystemPins System(Device device) => products.Find(device.Product)!.Pins;

    /// <summary>A sketch writes; null when it was taken.</summary>
    /// <param name="value">As <see cref="BlynkBody.Kept"/>.</param>
    public async Task<BlynkRefusal?> WriteByDeviceAsync(Caller caller, int number, string value)
    {
        if (System(caller.Device).At(number) is not null)
            return BlynkRefusal.SystemPin;
        if (!IsValue(value))
            return BlynkRefusal.Value;
        if (!Line(caller.Device).Writes.TryTake())
            return BlynkRefusal.TooMany;
        // Once begun it is finished, whether or not the device still listens.
        var row = await desk.WriteAsync(caller.Device, caller.Generation, number, value, PinSource.Device, who: null, CancellationToken.None);
        return row is null ? BlynkRefusal.Token : null;
    }

    /// <summary>An app writes by the device's token: all of them, or none; null when they were taken.</summary>
    public async Task<BlynkRefusal?> WriteByAppAsync(Caller caller, IReadOnlyList<(int Number, string Value)> writes)
    {
        var pins = System(caller.Device);
        if (writes.Any(write => pins.At(write.Number) is not (null or SystemPin.CheckNow)))
            return BlynkRefusal.SystemPin;
        if (!writes.All(write => IsValue(write.Value)))
            return BlynkRefusal.Value;
        if (!Line(caller.Device).Calls.TryTake(Math.Min(writes.Count, PinRate.Burst)))
            return BlynkRefusal.TooMany;
        var taken = await desk.WriteAsync(
            caller.Device, caller.Generation, [.. writes.Select(write => (PinPolicy.Kept(write.Number, pins), write.Value))], PinSource.App, App,
            CancellationToken.None);
        return taken ? null : BlynkRefusal.Token;
    }

    /// <summary>A pin's last value; null when it has none.</summary>
    public string? Read(Device device, int number)
    {
        var kept = PinPolicy.Kept(number, System(device));
        return database.Read(connection => PinTable.Find(connection, device.Id, kept))?.Value;
    }

    /// <summary>The last values of the user's pins, in the order in which they were written.</summary>
    public IEnumerable<(int Number, string Value)> ReadAll(Device device)
    {
        var pins = System(device);
        var (rows, _) = database.Read(connection => PinTable.Since(connection, device.Id, after: 0, source: null, MostPins));
        return rows.Where(row => PinPolicy.System(row.Kept) is null && pins.At(row.Kept) is null).Select(row => (row.Kept, row.Value));
    }

    /// <summary>Up to where everything that apps wrote lies behind a device that says hello now.</summary>
    public long Present(Device device) => database.Read(connection => PinTable.Extent(connection, device.Id)).Last;

    /// <summary>Keeps an event in the device's timeline; null when it was taken.</summary>
    public async Task<BlynkRefusal?> LogAsync(Caller caller, string code, string description)
    {
        var text = description.Length == 0 ? code : $"{code}: {description}";
        if (code.Length == 0 || text.Length > LongestEvent)
            return BlynkRefusal.Value;
        if (!Line(caller.Device).Events.TryTake())
            return BlynkRefusal.TooMany;
        var clean = string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
        await database.WriteAsync(
            connection => Timeline.Append(connection, caller.Device.Id, time.GetUtcNow().ToUnixTimeMilliseconds(), "event", clean),
            CancellationToken.None);
        return null;
    }

    // Lines of a terminal come with their ends.
    private static bool IsValue(string value) =>
        PinPolicy.Fault(string.Concat(value.Select(c => c is BlynkBody.Separator or '\t' or '\r' or '\n' ? ' ' : c))) is null;
}
