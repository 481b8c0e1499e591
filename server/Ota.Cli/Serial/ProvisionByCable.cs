using System.CommandLine;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Cli.Units;

namespace Ota.Cli.Serial;

/// <param name="Ssid">Null for a bundle, whose content only the unit can read.</param>
internal sealed record ProvisionedUnit(bool Provisioned, string? Ssid);

/// <summary><c>ota serial PORT provision</c></summary>
internal static class ProvisionByCable
{
    private static readonly Option<string?> Bundle = new("--bundle") { Description = "A bundle that 'ota provision' made for this unit.", HelpName = "file" };
    private static readonly Option<bool> Stdin = new("--password-stdin")
    {
        Description = "Read the Wi-Fi password from the first line of stdin and, if the unit asks for it, the label's from the second; else you are asked.",
    };

    public static Verb Command { get; } = new(
        "provision",
        "Give the unit a Wi-Fi network: from a bundle, or by name. One that has a network already asks for the rescue password on its label, except for a bundle.",
        RunAsync)
    {
        Bundle, WifiOptions.Ssid, WifiOptions.IsOpen, Stdin, WifiOptions.Owner,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var (bundle, ssid) = (call.Get(Bundle), call.Get(WifiOptions.Ssid));
        if (bundle is null == ssid is null)
            throw FailureException.Usage("Give --bundle or --ssid, one of them.");
        if (bundle is not null)
        {
            var text = LocalFile.Text(bundle).Trim();
            using var cable = Cable.Open(call);
            Cable.Check(await cable.OrderAsync(["provision", "bundle", text], cancellation));
        }
        else
        {
            var password = await WifiOptions.PasswordAsync(call, call.Get(Stdin), cancellation);
            using var cable = Cable.Open(call);
            string[] words = ["provision", "network", ssid!, password, call.Get(WifiOptions.Owner) ?? ""];
            var answer = await cable.OrderAsync(words, cancellation);
            if (answer[^1] is ["refused", "password-needed", ..])
                answer = await cable.OrderAsync([.. words, await LabelAsync(call, cancellation)], cancellation);
            Cable.Check(answer);
        }

        call.Screen.Show(new ProvisionedUnit(true, ssid), screen => screen.Line(
            "Taken: the unit joins ", new Cell(ssid ?? "the bundle's network", Tone.Strong), " now; 'ota serial … logs' shows how that goes."));
    }

    private static async Task<string> LabelAsync(Call call, CancellationToken cancellation) =>
        call.Get(Stdin) ? SecretInput.FromStdin("second line with the label's password")
        : SecretInput.CanAsk ? await SecretInput.AskAsync("It has a network already. Password on the unit's label", cancellation)
        : throw FailureException.Usage("It has a network already: give the label's password as the second line with --password-stdin.");
}
