using System.CommandLine;
using Ota.Cli.Output;
using Ota.Cli.Session;

namespace Ota.Cli.Serial;

/// <param name="Cleared">Always true; a refusal is a failure.</param>
internal sealed record ClearedUnit(bool Cleared);

/// <summary><c>ota serial PORT clear-credentials</c></summary>
internal static class ClearByCable
{
    private static readonly Option<bool> Stdin = new("--password-stdin") { Description = "Read the label's password from the first line of stdin; else you are asked." };

    public static Verb Command { get; } = new(
        "clear-credentials", "Make the unit forget its Wi-Fi and its owner. Asks for the rescue password on its label.", RunAsync) { Stdin };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        using var console = Cable.Open(call);
        var password = call.Get(Stdin) ? SecretInput.FromStdin("password")
            : SecretInput.CanAsk ? await SecretInput.AskAsync("Password on the unit's label", cancellation)
            : throw FailureException.Usage("Give the password on the unit's label by --password-stdin.");
        Cable.Check(await console.OrderAsync(["clear-credentials", password], cancellation));
        call.Screen.Show(new ClearedUnit(true), screen => screen.Line(
            "Cleared: it has forgotten its Wi-Fi and its owner, restarts, and opens its access point. What it runs and who it is to the server stay."));
    }
}
