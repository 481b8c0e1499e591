using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Recovery;
using Ota.Cli.Session;

namespace Ota.Cli.Units;

internal sealed record NewBundle(string? Site, string? Ssid, string? Password, string? Owner, long? ExpiresIn);

internal sealed record WifiBundle(string Device, string HardwareId, string Ssid, string Bundle, long Number, DateTimeOffset Expires);

internal sealed record MadeBundle(string Device, string HardwareId, string Ssid, string File, long Number, DateTimeOffset Expires);

/// <summary><c>ota provision</c></summary>
internal static class ProvisionDevice
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };
    private static readonly Option<string?> Site = new("--site") { Description = "A site added by 'ota site add'.", HelpName = "name" };
    private static readonly Option<string?> Out = new("--out") { Description = "The file to write; DEVICE.bundle unless given.", HelpName = "file" };
    private static readonly Option<string?> Expires = new("--expires") { Description = "How long the bundle is good for; 30d unless given.", HelpName = "time" };

    public static Command Command { get; } = new Verb(
        "provision",
        "Make a bundle with a Wi-Fi network that one unit alone can read, once; hand it over by 'ota serial' or its setup page. Audited.",
        RunAsync)
    {
        Id, Site, WifiOptions.Ssid, WifiOptions.Stdin, WifiOptions.IsOpen, WifiOptions.Owner, Out, Expires,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var (site, ssid) = (call.Get(Site), call.Get(WifiOptions.Ssid));
        if (site is null == ssid is null)
            throw FailureException.Usage("Give --site or --ssid, one of them.");
        var password = ssid is null ? "" : await WifiOptions.PasswordAsync(call, call.Get(WifiOptions.Stdin), cancellation);
        var asked = new NewBundle(
            site, ssid, password.Length > 0 ? password : null, call.Get(WifiOptions.Owner), Lifetime.Seconds(call.Get(Expires)));
        var (bundle, _) = await call.Api.PostAsync<NewBundle, WifiBundle>(ApiPath.Of($"devices/{call.Get(Id)}/provision"), asked, cancellation);
        var file = call.Get(Out) ?? bundle.Device + ".bundle";
        PrivateFile.Replace(file, bundle.Bundle + "\n");
        var made = new MadeBundle(bundle.Device, bundle.HardwareId, bundle.Ssid, file, bundle.Number, bundle.Expires);
        call.Screen.Show(made, screen =>
        {
            screen.Line("A bundle for ", new Cell(made.Device, Tone.Strong), $" alone, good once: it joins {made.Ssid}.");
            screen.Facts(
                ("File", made.File),
                ("Good until", When.Both(made.Expires, call.Now)),
                ("By cable", $"ota serial /dev/ttyUSB0 provision --bundle {made.File}"),
                ("By Wi-Fi", "join the unit's access point and paste the line into its setup page"));
        });
    }
}
