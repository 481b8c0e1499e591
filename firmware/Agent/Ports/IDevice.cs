namespace Ota.Agent;

/// <summary>The radio: joins one network at a time and can open an access point for provisioning beside it.</summary>
internal interface IRadio
{
    bool Joined { get; }

    /// <summary>Signal strength in dBm, 0 when unknown.</summary>
    int Rssi { get; }

    bool ProvisioningOpen { get; }

    /// <summary>Tries to join for as long as the radio finds sensible (about 20 s); true when joined.</summary>
    bool Join(string ssid, string password);

    /// <summary>
    /// Opens the access point through which a person hands over Wi-Fi credentials; joining goes on beside it.
    /// </summary>
    void OpenProvisioning();

    void CloseProvisioning();

    /// <summary>What a person handed over since the last call, or null.</summary>
    Provisioned TakeProvisioned();

    /// <summary>
    /// Leaves the network and erases every copy of credentials that the platform keeps for itself. Idempotent.
    /// </summary>
    void Forget();
}

/// <summary>
/// The wall clock, which a device without a battery loses at every start, and the time since that start.
/// </summary>
internal interface IClock
{
    /// <summary>Unix seconds, 0 while the clock was not set since the start.</summary>
    long Now { get; }

    /// <summary>Seconds since the start.</summary>
    long Uptime { get; }

    void Set(long unixSeconds);
}

/// <summary>Power, memory and chance.</summary>
internal interface IPower
{
    /// <summary>Free memory in bytes.</summary>
    int FreeMemory { get; }

    /// <summary>Starts the device anew. Never returns.</summary>
    void Restart();

    /// <summary>A number from 0 to below <paramref name="below"/>; spreads devices over time, guards nothing.</summary>
    int Random(int below);
}

/// <summary>Starts what is in a slot.</summary>
internal interface ILoader
{
    /// <summary>
    /// True once the started application says that it works. A new image's trial check-in waits for this, so that an
    /// image which starts and then hangs is never confirmed.
    /// </summary>
    bool Ready { get; }

    /// <summary>
    /// False when the image's container cannot be started here; the last check before a slot is made pending.
    /// </summary>
    bool CanStart(ReleaseStatement release, ISlot slot);

    /// <summary>Starts an application; false when it crashed at once.</summary>
    bool Start(ReleaseStatement release, ISlot slot, SlotState state);

    /// <summary>
    /// Runs a recovery image to its end; its one job is <see cref="CredentialClearing.Run"/>. False when it crashed.
    /// </summary>
    bool RunRecovery(ReleaseStatement release, ISlot slot, CredentialClearing clearing);
}

/// <summary>All that the agent needs from the hardware.</summary>
internal sealed class Platform
{
    public IRecords Records;
    public ISlot[] Slots;
    public IRadio Radio;
    public IClock Clock;
    public IHttp Http;
    public IPower Power;
    public ILoader Loader;

    /// <summary>Null when the application has nothing to do with pins.</summary>
    public IPins Pins;
}
