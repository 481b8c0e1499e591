using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Devices;

internal sealed record NewClient(string HardwareId, string Dialect, string? Hardware, string? Protection);

/// <param name="User">With the token as password, where a client has Basic authentication.</param>
/// <param name="ProtectionBefore">What it was taken to check until now; null unless that has changed.</param>
/// <param name="Path">What it is to ask on the server; empty for one that speaks Blynk, which has a port and its token.</param>
internal sealed record AdoptedClient(
    string Device, string HardwareId, string Hardware, string Dialect, string Protection, string User, string Token, string Path, string? ProtectionBefore);

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
        var (client, isNew) = await call.Api.PostAsync<NewClient, AdoptedClient>(
            ApiPath.Of($"products/{call.Get(Product)}/clients"), asked, cancellation);
        call.Screen.Show(client, screen =>
        {
            screen.Line(
                isNew ? "Taken in: " : "It was there already: ",
                new Cell(client.Device, Tone.Strong), $", {client.HardwareId} on {client.Hardware}.",
                client.ProtectionBefore is { } before ? $" What it checks is {client.Protection} from now on, not {before}." : "");
            if (client.Path.Length == 0)
            {
                screen.Facts(("Dialect", client.Dialect), ("Checks", client.Protection));
                screen.Line("Its token, 32 characters for the sketch's BLYNK_AUTH_TOKEN; whoever has it is this device:");
                Screen.Verbatim(Cell.Clean(client.Token));
                return;
            }

            if (ClientSettings.Of(call.Get(Product), client, call.Api.Server) is { } settings)
            {
                screen.Facts(("Dialect", client.Dialect), ("Checks", client.Protection));
                screen.Line("Its own settings; whoever has the token in them is this device:");
                Screen.Verbatim(settings);
                return;
            }

            screen.Facts(
                ("Dialect", client.Dialect),
                ("Checks", client.Protection),
                ("User", client.User),
                ("Password", client.Token));
            screen.Line("It asks at this path of the server; whoever has it is this device:");
            Screen.Verbatim(Cell.Clean(client.Path));
        });
    }
}
