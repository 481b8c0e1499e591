namespace Ota.Agent;

/// <summary>What the factory gives a unit, and the agent's timing.</summary>
internal sealed class AgentOptions
{
    /// <summary>The server's address without a trailing slash, as <c>https://ota.example.org</c>.</summary>
    public string Server;
    public string Product;
    public string Hardware;

    /// <summary>Unique for each unit, such as its MAC address.</summary>
    public string HardwareId;
    public string EnrollmentKey;

    /// <summary>The network that is always tried last and never erased, from the unit's label; null for none.</summary>
    public Network Rescue;

    /// <summary>Starts a new image gets before it is given up.</summary>
    public int TrialAttempts = 3;

    /// <summary>Seconds after its start within which a new image must have completed a check-in.</summary>
    public int TrialSeconds = 600;

    /// <summary>Seconds without a network after which the provisioning access point opens.</summary>
    public int JoinSeconds = 180;

    /// <summary>Bounds in seconds of what the server may ask for in Retry-After.</summary>
    public int ShortestPoll = 10;
    public int LongestPoll = 48 * 3600;

    /// <summary>
    /// Seconds that a call for virtual pins waits at the server, up to 25; 0 for none. The caller of the agent does nothing
    /// else meanwhile.
    /// </summary>
    public int PinWait;

    /// <summary>
    /// Seconds until the next check-in when the server does not say; up to a tenth is added by chance.
    /// </summary>
    public int DefaultPoll = 24 * 3600;
}
