using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Releases;

/// <summary><c>ota release list</c></summary>
internal static class ListReleases
{
    private static readonly Argument<string> Product = Arguments.Product();

    private static readonly Option<string?> Version = new("--version") { Description = "Only this version.", HelpName = "version" };

    public static Command Command { get; } = new Verb("list", "List a product's releases, newest first.", RunAsync)
    {
        Product,
        Version,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var path = ApiPath.Of($"products/{call.Get(Product)}/releases").With("version", call.Get(Version));
        var releases = await call.Api.GetAsync<Release[]>(path, cancellation);
        call.Screen.Show(releases, screen => screen.Table(
            ["Version", "Kind", "Hardware", "State", "Uploaded", "By", "Channel", "Counter", "Size", "Format"],
            [.. releases.Select(release => new Cell[]
            {
                new(release.Version, Tone.Strong),
                release.Kind,
                string.Join(", ", release.Hardware),
                release.State(),
                When.Ago(release.Uploaded, call.Now),
                release.UploadedBy,
                release.Channel,
                release.SecurityCounter,
                Size.Of(release.Image.Size),
                release.Image.Format,
            })],
            "The product has no release yet; 'ota release push' uploads one."));
    }
}
