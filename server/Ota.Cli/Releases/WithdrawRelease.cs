using System.CommandLine;
using Ota.Cli.Output;

namespace Ota.Cli.Releases;

/// <summary><c>ota release withdraw</c></summary>
internal static class WithdrawRelease
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Version = Arguments.Version();
    private static readonly Option<string?> Hardware = Arguments.Hardware();
    private static readonly Option<string?> Kind = Arguments.Kind();
    private static readonly Option<string?> Why = new("--reason") { Description = "Why; kept with the release.", HelpName = "text" };

    public static Command Command { get; } = new Verb(
        "withdraw", "Offer a release to no device any more. Devices that run it go on running it.", RunAsync)
    {
        Product,
        Version,
        Hardware,
        Kind,
        Why,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var path = ReleaseCalls.PathOf(
            call.Get(Product), call.Get(Version), ReleaseCall.Withdraw, call.Get(Hardware), call.Get(Kind));
        var (release, _) = await call.Api.PostAsync<Reason, Release>(path, new Reason(call.Get(Why)), cancellation);
        call.Screen.Show(release, screen =>
            screen.Line("Withdrawn: ", new Cell($"{release.Product} {release.Version}", Tone.Strong), "."));
    }
}
