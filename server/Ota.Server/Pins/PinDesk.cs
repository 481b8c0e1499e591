using Ota.Server.Data;
using Ota.Server.Devices;

namespace Ota.Server.Pins;

/// <summary>Takes what apps and devices write: disk first, then everybody who waits for it.</summary>
internal sealed class PinDesk(Database database, PinLines lines, TimeProvider time)
{
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
