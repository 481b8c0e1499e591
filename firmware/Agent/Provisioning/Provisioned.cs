using System.Text;

namespace Ota.Agent;

/// <summary>What a person hands over while provisioning: a network, or a bundle that holds one.</summary>
internal sealed class Provisioned
{
    private const int LongestSsid = 32;
    private const int LongestText = 64;

    public Network Network;

    /// <summary>Whose device this is from now on, in the application's own terms; empty for nobody.</summary>
    public string Owner = "";

    /// <summary>A sealed bundle (<see cref="WifiBundle"/>) in place of a network; null for none.</summary>
    public string Bundle;

    /// <summary>The word for why this cannot be taken, or null. IEEE 802.11 gives an SSID 1 to 32 bytes.</summary>
    public string Fault()
    {
        if (Bundle != null)
            return null;
        var ssid = Bytes(Network.Ssid);
        return ssid == 0 || ssid > LongestSsid ? "ssid"
            : Bytes(Network.Password) > LongestText ? "password-length"
            : Bytes(Owner) > LongestText ? "owner"
            : null;
    }

    private static int Bytes(string text) => Encoding.UTF8.GetBytes(text).Length;
}
