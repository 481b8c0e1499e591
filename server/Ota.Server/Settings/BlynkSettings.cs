using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Ota.Server.Settings;

/// <summary>Where clients that speak Blynk's protocol are taken (docs/operations.md).</summary>
/// <param name="Address">In the clear; null for nowhere.</param>
/// <param name="SecuredAddress">With TLS, by the server's certificate; null for nowhere.</param>
/// <param name="Url">Where such clients fetch images, without a slash at its end; null for where they reached this server.</param>
internal sealed record BlynkSettings(IPEndPoint? Address, IPEndPoint? SecuredAddress, string? Url)
{
    public static BlynkSettings From(IConfiguration configuration) =>
        new(AddressFrom(configuration, "BlynkPort"), AddressFrom(configuration, "BlynkTlsPort"), UrlFrom(configuration["BlynkUrl"]));

    private static string? UrlFrom(string? text) => text switch
    {
        null or "" => null,
        { Length: <= 100 } when text.All(char.IsAscii) && Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            && url is { UserInfo: "", Query: "", Fragment: "" } => url.AbsoluteUri.TrimEnd('/'),
        _ => throw new SettingFault($"Setting BlynkUrl takes an http or https address of at most 100 characters, like http://ota.example:8080, not '{text}'."),
    };

    private static IPEndPoint? AddressFrom(IConfiguration configuration, string name)
    {
        if (configuration[name] is not { Length: > 0 } text)
            return null;
        if (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return new IPEndPoint(Socket.OSSupportsIPv6 ? IPAddress.IPv6Any : IPAddress.Any, port);
        var colon = text.LastIndexOf(':');
        return colon > 0 && ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out _)
            && IPEndPoint.TryParse(text, out var address)
            ? address
            : throw new SettingFault($"Setting {name} takes a port, like 8442, or an address and a port, like 127.0.0.1:8442 or [::1]:8442, not '{text}'.");
    }
}
