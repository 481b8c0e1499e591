using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// What a user's image is: the entry assembly has one public class that derives from this one. It runs on a thread of
/// its own; an exception that leaves <see cref="Run"/> is a crash of the image.
/// </summary>
public abstract class Application
{
    private bool _works;

    /// <summary>The application itself. Should not return.</summary>
    public abstract void Run();

    /// <summary>True once <see cref="ReportWorking"/> was called.</summary>
    internal bool Works => _works;

    /// <summary>
    /// Says that this version does what it should: call it after the first round of real work. A new image that never
    /// does is given up, and the device returns to what it ran before.
    /// </summary>
    protected void ReportWorking() => _works = true;
}

/// <summary>
/// What a recovery image is: the entry assembly has one public class that derives from this one. It is run once, to its
/// end, in place of the application.
/// </summary>
public abstract class RecoveryImage
{
    private CredentialClearing _clearing;

    /// <summary>What the recovery does.</summary>
    public abstract void Run();

    internal void Run(CredentialClearing clearing)
    {
        _clearing = clearing;
        Run();
    }

    /// <summary>Clears the stored Wi-Fi networks and the owner; the device's identity stays. Idempotent.</summary>
    protected void ClearCredentials() => _clearing.Run();
}
