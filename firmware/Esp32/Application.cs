using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// What a user's image is: the entry assembly has one public class that derives from this one. It runs on a thread of
/// its own; an exception that leaves <see cref="Run"/> is a crash of the image.
/// </summary>
public abstract class Application
{
    private readonly PinQueue _pins = new PinQueue();
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

    /// <summary>
    /// Writes a virtual pin, where apps and support see it: 0 to 255, at most 1024 bytes of UTF-8 without control characters.
    /// Returns at once; the agent sends it before its next check-in. False when that is no pin or no value, or too
    /// many pins wait.
    /// </summary>
    protected bool WritePin(int pin, string value) => _pins.Add(pin, value);

    /// <summary>
    /// An app wrote a virtual pin. Called on the agent's thread, so return soon; after a start with the last value of each
    /// pin that an app ever wrote. Only when the unit's file sets <c>pin-wait</c>.
    /// </summary>
    protected virtual void OnPin(int pin, string value)
    {
        // An application without pins.
    }

    internal PinWrite TakeWrite() => _pins.Take();

    internal void Tell(int pin, string value) => OnPin(pin, value);
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
