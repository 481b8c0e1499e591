using System.Text;

namespace Ota.Server.Provisioning;

/// <summary>A Wi-Fi network that units are to join.</summary>
/// <param name="Ssid">1 to 32 bytes of UTF-8 (IEEE 802.11).</param>
/// <param name="Password">Empty for an open network, else a WPA passphrase of 8 to 63 printable ASCII characters or the key in 64 hex digits.</param>
internal sealed record WifiNetwork(string Ssid, string Password)
{
    private const int LongestSsid = 32;

    /// <summary>The network, or what is wrong with it; neither says the password.</summary>
    public static WifiNetwork? Of(string? ssid, string? password, out string? fault)
    {
        var bytes = Encoding.UTF8.GetByteCount(ssid ?? "");
        fault = bytes is 0 or > LongestSsid ? $"A network's name (ssid) has 1 to {LongestSsid} bytes; this one has {bytes}."
            : ssid!.Contains('\0', StringComparison.Ordinal) ? "A network's name (ssid) has no zero byte."
            : password is null or "" || IsPassphrase(password) ? null
            : "A Wi-Fi password has 8 to 63 printable characters of ASCII, or is a key of 64 hex digits; it is left out for an open network.";
        return fault is null ? new WifiNetwork(ssid!, password ?? "") : null;
    }

    // It goes into no log, whoever prints the record.
    public override string ToString() => $"{nameof(WifiNetwork)} {Ssid}";

    private static bool IsPassphrase(string password) =>
        (password.Length is >= 8 and <= 63 && password.All(c => c is >= ' ' and <= '~'))
        || (password.Length == 64 && password.All(char.IsAsciiHexDigit));
}
