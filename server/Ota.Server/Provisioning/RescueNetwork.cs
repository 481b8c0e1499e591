using Ota.Server.Devices;
using Ota.Server.Secrets;

namespace Ota.Server.Provisioning;

/// <summary>
/// The network that a unit tries last and never forgets, so that a phone's hotspot named like this reaches it. Derived, so that the label can be
/// printed again and nothing of it is stored.
/// </summary>
/// <param name="Ssid">At most 32 bytes.</param>
/// <param name="Password">Three groups of four, to be typed from a label; 60 bits.</param>
public sealed record RescueNetwork(string Ssid, string Password)
{
    private const int LongestSsid = 32;
    private const int Tail = 6;
    private const int Group = 4;
    private const int Groups = 3;

    // Crockford's base 32: nothing in it is mistaken for something else when read from a label.
    private const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    internal static RescueNetwork Of(MasterSecret master, string product, string hardwareId)
    {
        // A MAC is written in many ways, and the factory's need not be the unit's own.
        var plain = DeviceNames.Plain(hardwareId);
        var letters = plain.Where(char.IsAsciiLetterOrDigit).ToArray();
        var end = "-rescue-" + new string(letters[^Math.Min(Tail, letters.Length)..]);
        var ssid = product[..Math.Min(product.Length, LongestSsid - end.Length)] + end;
        var secret = master.RescueSecret(product, plain);
        var password = Enumerable.Range(0, Groups).Select(group =>
            new string([.. Enumerable.Range(group * Group, Group).Select(i => Alphabet[secret[i] % Alphabet.Length])]));
        return new RescueNetwork(ssid, string.Join('-', password));
    }
}
