using Ota.Server.Data;
using Ota.Server.Devices;

namespace Ota.Server.Pins;

/// <summary>Takes what apps and devices write: disk first, then everybody who waits for it.</summary>
internal sealed class PinDesk(Database database, PinLines lines, TimeProvider time)
{
    /// <summary>See <see cref="PinLines.IsListening"/>.</summary>
    public bool? IsListening(Device device) => lines.IsListening(device);

    /// <summary>Writes several, all of them or none; false when the device has been given new secrets since.</summary>
    public async Task<bool> WriteAsync(
        Device device, long generation, IReadOnlyList<(int Kept, string Value)> writes, PinSource source, string? who, CancellationToken cancellation)
    {
        var at = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var written = await database.WriteAsync(
            connection =>
            {
                foreach (var (kept, value) in writes)
                {
                    if (PinTable.Write(connection, device.Id, generation, kept, value, at, source, who) is null)
                        return false;
                }

                if (database.IsShared)
                    Changes.NotePins(connection, [device.Id]);
                return true;
            },
            cancellation);
        if (written)
            lines.Ring(device.Id);
        return written;
    }

    /// <summary>The value as it was kept, or null when the device has been given new secrets since.</summary>
    public async Task<PinRow?> WriteAsync(
        Device device, long generation, int kept, string value, PinSource source, string? who, CancellationToken cancellation)
    {
        var at = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var seq = await database.WriteAsync(
            connection =>
            {
                var seq = PinTable.Write(connection, device.Id, generation, kept, value, at, source, who);
                if (seq is not null && database.IsShared)
                    Changes.NotePins(connection, [device.Id]);
                return seq;
            },
            cancellation);
        if (seq is null)
            return null;
        lines.Ring(device.Id);
        return new PinRow(kept, value, seq.Value, at, source, who);
    }
}
