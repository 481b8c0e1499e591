using System.CommandLine;
using System.Text;
using Ota.Cli.Session;

namespace Ota.Cli.Units;

/// <summary>A Wi-Fi network as it is named on the command line; its password never is.</summary>
internal static class WifiOptions
{
    public static readonly Option<string?> Ssid = new("--ssid") { Description = "The network's name, at most 32 bytes.", HelpName = "name" };
    public static readonly Option<bool> IsOpen = new("--open") { Description = "The network has no password." };
    public static readonly Option<string?> Owner = new("--owner")
    {
        Description = "Whose unit it is from now on, in your application's own terms; at most 64 bytes.",
        HelpName = "text",
    };

    public static readonly Option<bool> Stdin = new("--password-stdin")
    {
        Description = "Read the network's password from the first line of stdin; else you are asked.",
    };

    /// <summary>The network's password, empty for an open one; both it and the name are checked before anything is sent.</summary>
    public static async Task<string> PasswordAsync(Call call, bool fromStdin, CancellationToken cancellation)
    {
        var ssid = call.Get(Ssid)!;
        var bytes = Encoding.UTF8.GetByteCount(ssid);
        if (bytes is 0 or > 32)
            throw FailureException.Usage($"A network's name has 1 to 32 bytes; this one has {bytes}.");
        if (call.Get(IsOpen) && fromStdin)
            throw FailureException.Usage("An open network has no password: leave out --password-stdin or --open.");
        var password = call.Get(IsOpen) ? ""
            : fromStdin ? SecretInput.FromStdin("password")
            : SecretInput.CanAsk ? await SecretInput.AskAsync($"Password of {ssid}", cancellation)
            : throw FailureException.Usage("Give the network's password by --password-stdin, or --open.");
        return password.Length == 0 || IsPassphrase(password)
            ? password
            : throw FailureException.Usage("A Wi-Fi password has 8 to 63 characters of ASCII, or 64 hexadecimal digits.");
    }

    // IEEE 802.11i, annex H.4: a passphrase of printable ASCII, or the key itself in hex.
    private static bool IsPassphrase(string password) =>
        (password.Length is >= 8 and <= 63 && password.All(c => c is >= ' ' and <= '~'))
        || (password.Length == 64 && password.All(char.IsAsciiHexDigit));
}
