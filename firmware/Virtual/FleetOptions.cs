namespace Ota.Virtual;

/// <summary>What a fleet of virtual devices is made of.</summary>
/// <param name="Server">The server's address.</param>
/// <param name="Product">What the devices are.</param>
/// <param name="EnrollmentKey">The product's enrollment key, as the factory gets it.</param>
/// <param name="Hardware">The hardware the devices claim, usually <c>virtual</c>.</param>
/// <param name="ReleaseKeysPem">Public release keys that new devices trust from the factory, PEM.</param>
/// <param name="StateFolder">Where each device's flash is kept, a file each; made when it is not there.</param>
/// <param name="Count">Devices, 1 or more.</param>
public sealed record FleetOptions(
    Uri Server,
    string Product,
    string EnrollmentKey,
    string Hardware,
    IReadOnlyList<string> ReleaseKeysPem,
    string StateFolder,
    int Count)
{
    /// <summary>
    /// Share of units, 0 to 1, whose new image never checks in after its trial start; spread evenly over the fleet.
    /// </summary>
    public double BadUnits { get; init; }

    /// <summary>A version that bad units run as well as any, so that they have something to fall back to; null for none.</summary>
    public string? BadUnitsRun { get; init; }

    /// <summary>
    /// Caps every wait of a live run, and shortens the trial's deadline to three times as much (30 s at least).
    /// </summary>
    public TimeSpan? PollOverride { get; init; }

    /// <summary>
    /// Seconds, up to 25, that each of the first <see cref="Listeners"/> devices of a live run waits at the server for its
    /// virtual pins; 0 for none. A device that listens takes a thread.
    /// </summary>
    public int PinWait { get; init; }

    /// <summary>Devices that listen for pins at the most.</summary>
    public const int Listeners = 64;

    /// <summary>Counter of the key statement that brought the given release keys; 0 for a product's first.</summary>
    public int KeyCounter { get; init; }

    /// <summary>Devices that do something at the same time.</summary>
    public int Parallel { get; init; } = 16;

    /// <summary>
    /// True when somebody provisions a device again whose Wi-Fi was cleared by a recovery or a decommission.
    /// </summary>
    public bool OwnerReprovisions { get; init; } = true;
}

/// <summary>How a device stands, by what it truly booted.</summary>
/// <param name="HardwareId">Like a MAC address.</param>
/// <param name="Device">The server's name for it; null before enrollment.</param>
/// <param name="Running">
/// Version in the statement stored with the running slot; <c>0.0.0</c> for nothing but the bootstrap.
/// </param>
/// <param name="Slot"><c>A</c>, <c>B</c> or <c>none</c>.</param>
/// <param name="State">
/// The state it reported last (docs/protocol.md §3.4), or <c>idle</c>, <c>restarting</c>, <c>waiting</c>,
/// <c>not-enrolled</c>, <c>unreachable</c>.
/// </param>
/// <param name="Detail">Why, where there is something to say.</param>
public sealed record DeviceStatus(
    string HardwareId, string? Device, string Running, string Slot, string State, string? Detail)
{
    /// <summary>
    /// SHA-256 that the device computed over the bytes it started, lower-case hex; null when it started none.
    /// </summary>
    public string? ImageSha256 { get; init; }

    /// <summary>True when the server answered 401: the identity in its flash is another server's, or of other data.</summary>
    public bool UnknownToServer { get; init; }

    /// <summary>When it asks next, from when this was told; null while it is not known.</summary>
    public TimeSpan? AsksIn { get; init; }
}

/// <summary>No device of the fleet got any answer at all.</summary>
public sealed class ServerUnreachableException : Exception
{
    public ServerUnreachableException(Uri server)
        : base($"No answer from {server}. Is the server running, and is this its address?") => Server = server;

    public Uri Server { get; }
}
