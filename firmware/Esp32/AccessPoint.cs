using System.Net.NetworkInformation;
using System.Text;

namespace Ota.Esp32;

/// <summary>The provisioning network: its name is the product's and the chip's, at most 32 bytes.</summary>
internal sealed class AccessPoint
{
    public const string Address = "192.168.4.1";

    private const int LongestName = 32;
    private readonly string _name;
    private readonly string _password;

    /// <param name="product">Shortened as needed, never in the middle of a UTF-8 sequence.</param>
    /// <param name="chip">Kept whole.</param>
    /// <param name="password">From the unit's label, at least 8 characters; empty for an open network.</param>
    public AccessPoint(string product, string chip, string password)
    {
        _name = NameFor(product, chip);
        _password = password;
    }

    /// <summary>The name for a product and a chip id.</summary>
    public static string NameFor(string product, string chip)
    {
        while (Encoding.UTF8.GetBytes(product + "-" + chip).Length > LongestName)
        {
            var low = product[product.Length - 1] >= 0xdc00 && product[product.Length - 1] <= 0xdfff;
            product = product.Substring(0, product.Length - (low ? 2 : 1));
        }

        return product + "-" + chip;
    }

    /// <summary>True when the network is up as this unit wants it.</summary>
    public bool IsUp
    {
        get
        {
            var network = Interface();
            var configuration = Configuration(network);
            return configuration != null && configuration.Ssid == _name && network.IPv4Address == Address
                && (configuration.Options & WirelessAPConfiguration.ConfigurationOptions.Enable) != 0;
        }
    }

    /// <summary>True when the settings are stored already, whether they are in force or not.</summary>
    public bool IsStored
    {
        get
        {
            var configuration = Configuration(Interface());
            return configuration != null && configuration.Ssid == _name
                && configuration.Options == WirelessAPConfiguration.ConfigurationOptions.AutoStart;
        }
    }

    /// <summary>Stores the settings; most firmware builds apply them at the next start only.</summary>
    public void Enable()
    {
        var network = Interface();
        var configuration = Configuration(network);
        if (configuration == null)
            return;
        network.EnableStaticIPv4(Address, "255.255.255.0", Address);
        configuration.Options = WirelessAPConfiguration.ConfigurationOptions.AutoStart;
        configuration.Ssid = _name;
        configuration.MaxConnections = 2;
        configuration.Authentication = _password.Length < 8 ? AuthenticationType.Open : AuthenticationType.WPA2;
        configuration.Password = _password.Length < 8 ? "" : _password;
        configuration.SaveConfiguration();
    }

    public void Disable()
    {
        var configuration = Configuration(Interface());
        if (configuration == null)
            return;
        configuration.Options = WirelessAPConfiguration.ConfigurationOptions.Disable;
        configuration.SaveConfiguration();
    }

    private static NetworkInterface Interface()
    {
        var all = NetworkInterface.GetAllNetworkInterfaces();
        for (var i = 0; i < all.Length; i++)
        {
            if (all[i].NetworkInterfaceType == NetworkInterfaceType.WirelessAP)
                return all[i];
        }

        return null;
    }

    private static WirelessAPConfiguration Configuration(NetworkInterface network) => network == null
        ? null
        : WirelessAPConfiguration.GetAllWirelessAPConfigurations()[network.SpecificConfigId];
}
