using Ota.Server.CheckIns;
using Ota.Server.Devices;

namespace Ota.Server.Rollouts.Filters;

/// <summary>What a filter may ask of a device. Null is what the device has not said, or cannot tell.</summary>
/// <param name="PlainName">Its hardware id as <see cref="DeviceNames.Plain"/> writes it.</param>
/// <param name="Version">What it runs.</param>
/// <param name="Enrolled">UTC milliseconds, as <paramref name="LastSeen"/>.</param>
/// <param name="State">Of its latest deployment, as staff read it.</param>
/// <param name="Slot"><c>trial</c> or <c>confirmed</c>.</param>
/// <param name="Cause">Why it last started.</param>
/// <param name="Restarts">Starts since manufacture.</param>
/// <param name="Uptime">Seconds.</param>
/// <param name="Rssi">dBm.</param>
/// <param name="FreeMemory">Bytes.</param>
internal readonly record struct DeviceFacts(
    string Id,
    string PlainName,
    string Hardware,
    string? Group,
    string? Version,
    long Enrolled,
    long? LastSeen,
    string State,
    string? Slot,
    string? Cause,
    long? Restarts,
    long? SecurityCounter,
    long? Uptime,
    long? Rssi,
    long? FreeMemory)
{
    /// <summary>What runs; null when that is no version, for nothing compares with it.</summary>
    public string? Version { get; } = VersionOrder.IsVersion(Version) ? Version : null;

    /// <summary>The device as the server knows it now. Allocates nothing but its plain name.</summary>
    public static DeviceFacts Of(Device device)
    {
        // Once: a check-in meanwhile replaces it whole.
        var heard = device.Heard;
        return Of(device, heard?.CheckIn, heard?.At);
    }

    /// <summary>The device as it says that it is, at this moment; null for one that never did.</summary>
    public static DeviceFacts Of(Device device, CheckIn? checkIn, DateTimeOffset? at)
    {
        var isOurs = device.Client is null;
        return new DeviceFacts(
            device.Id,
            device.PlainName,
            device.Hardware,
            device.Group,
            checkIn?.Running ?? device.RunningAtEnrollment,
            device.Enrolled.ToUnixTimeMilliseconds(),
            at?.ToUnixTimeMilliseconds(),
            device.State,
            checkIn?.Slot.Word(),
            isOurs || checkIn is { Restart.Count: > 0 } ? checkIn?.Restart.Cause : null,
            Told(checkIn?.Restart.Count),
            checkIn?.SecurityCounter,
            Told(checkIn?.Uptime),
            checkIn is null or { Rssi: 0 } ? null : checkIn.Rssi,
            Told(checkIn?.FreeMemory));

        // Of a client that is not ours 0 is what it did not tell.
        long? Told(long? value) => isOurs || value > 0 ? value : null;
    }
}
