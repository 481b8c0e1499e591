using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Devices;

internal sealed record NewClient(string HardwareId, string Dialect, string? Hardware, string? Protection);

/// <param name="User">With the token as password, where a client has Basic authentication.</param>
/// <param name="ProtectionBefore">What it was taken to check until now; null unless that has changed.</param>
/// <param name="Path">What it is to ask on the server; empty for one that speaks Blynk, which has a port and its token.</param>
/// <param name="Address">The same in full, at the server as this command reaches it; ours, as <paramref name="Settings"/>, and not the server's.</param>
/// <param name="Settings">For a dialect whose clients have a file of settings or a command line, ready to paste.</param>
internal sealed record AdoptedClient(
    string Device, string HardwareId, string Hardware, string Dialect, string Protection, string User, string Token, string Path, string? ProtectionBefore,
    string? Address = null, string? Settings = null);

/// <summary><c>ota device adopt</c></summary>
internal static class AdoptDevice
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> HardwareId = new("hardware-id") { Description = "Its MAC, or what else is on its label." };

    private static readonly Option<string> Dialect = new("--dialect")
    {
        Description = "How its updater speaks: esp8266, esp32, esphome, esp-idf, tasmota, hawkbit, mender or blynk; see server/docs/dialects.md.",
        HelpName = "name",
        Required = true,
    };

    private static readonly Option<string?> Hardware = new("--hardware")
    {
        Description = "Which of the product's hardware; needed when there are several.",
        HelpName = "name",
    };

    private static readonly Option<string?> Protection = new("--protection")
    {
        Description = "What its updater checks, if that is not what is usual: none, md5 or signed.",
        HelpName = "what",
    };

    public static Command Command { get; } = new Verb(
        "adopt", "Take in a device that runs another updater than ours, and show the address it is to ask. Again: show it again. Audited.", RunAsync)
    {
        Product,
        HardwareId,
        Dialect,
        Hardware,
        Protection,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var asked = new NewClient(call.Get(HardwareId), call.Get(Dialect)!, call.Get(Hardware), call.Get(Protection));
        var (answer, isNew) = await call.Api.PostAsync<NewClient, AdoptedClient>(
            ApiPath.Of($"products/{call.Get(Product)}/clients"), asked, cancellation);
        var server = call.Api.Server;
        var client = answer with { Address = ClientSettings.AddressOf(answer, server), Settings = ClientSettings.Of(call.Get(Product), answer, server) };
        call.Screen.Show(client, screen => Human(screen, client, isNew, server));
    }

    private static void Human(Screen screen, AdoptedClient client, bool isNew, Uri server)
    {
        screen.Line(
            isNew ? "Taken in: " : "It was there already: ",
            new Cell(client.Device, Tone.Strong), $", {client.HardwareId} on {client.Hardware}.",
            client.ProtectionBefore is { } before ? $" What it checks is {client.Protection} from now on, not {before}." : "");
        var ownsSecret = client is { Settings: null, Address: not null };
        screen.Facts(
            ("Dialect", client.Dialect),
            ("Checks", client.Protection),
            ("User", ownsSecret ? client.User : ""),
            ("Password", ownsSecret ? client.Token : ""));
        var (what, shown) = client switch
        {
            { Settings: { } settings } => ("Its own settings; whoever has the token in them is this device:", settings),
            { Address: { } address } => ("It asks at this address; whoever has it is this device:", address),
            _ => ("Its token, 32 characters for the sketch's BLYNK_AUTH_TOKEN; whoever has it is this device:", Cell.Clean(client.Token)),
        };
        if (client.Address is not null)
            screen.Line(new Cell(Reach(server), server.IsLoopback ? Tone.Busy : Tone.Plain));
        screen.Line(what);
        Screen.Verbatim(shown);
    }

    private static string Reach(Uri server) => server.IsLoopback
        ? $"{server.Host} is this machine alone, and to the device the device itself: put the server's name or IP on the device's network in its place."
        : $"{server.Authority} is how this command reached the server; the device must reach it there too: a host name or an IP on its network.";
}
