using Ota.Esp32;

namespace Ota.Recovery;

/// <summary>
/// The one-shot recovery image: clears the Wi-Fi networks and the owner. What comes before (the spent order) and after
/// (back to the release that ran, in provisioning mode) is the agent's.
/// </summary>
public sealed class ClearCredentialsOnce : RecoveryImage
{
    public override void Run() => ClearCredentials();
}
