namespace Ota.Agent;

/// <summary>
/// What a recovery is for: Wi-Fi and owner binding go, the device's identity stays, so that it can check in again once
/// a person has provisioned it anew. Every step may run again after a power cut without harm.
/// </summary>
internal sealed class CredentialClearing
{
    private readonly IRadio _radio;
    private readonly Networks _networks;

    public CredentialClearing(IRadio radio, Networks networks)
    {
        _radio = radio;
        _networks = networks;
    }

    public void Run()
    {
        _networks.Clear();
        _radio.Forget();
    }
}
