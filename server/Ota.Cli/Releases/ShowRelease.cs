using System.CommandLine;

namespace Ota.Cli.Releases;

/// <summary><c>ota release show</c></summary>
internal static class ShowRelease
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Version = Arguments.Version();
    private static readonly Option<string?> Hardware = Arguments.Hardware();
    private static readonly Option<string?> Kind = Arguments.Kind();

    public static Command Command { get; } = new Verb("show", "Show a release.", RunAsync) { Product, Version, Hardware, Kind };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var path = ReleaseCalls.PathOf(
            call.Get(Product), call.Get(Version), ReleaseCall.Show, call.Get(Hardware), call.Get(Kind));
        var release = await call.Api.GetAsync<Release>(path, cancellation);
        call.Screen.Show(release, screen => release.Facts(screen, call.Now));
    }
}
