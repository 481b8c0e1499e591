using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Products;

/// <summary><c>ota product blynk</c></summary>
internal static class SetBlynkCloud
{
    private static readonly Argument<string> Name = Arguments.Product();

    private static readonly Option<string?> Url = new("--url")
    {
        Description = "Where its HTTP API begins, like https://blynk.cloud.",
        HelpName = "url",
    };

    private static readonly Option<bool> None = new("--none") { Description = "Tell no cloud." };

    public static Command Command { get; } = new Verb(
        "blynk", "Name the Blynk cloud that is told version, restart cause and signal of the product's devices; each needs its token there "
        + "('ota device blynk-token').", RunAsync) { Name, Url, None };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var url = call.Get(Url);
        if (url is null != call.Get(None))
            throw FailureException.Usage("Give --url or --none, one of them.");
        var cloud = await call.Api.PutAsync<CloudChange, Cloud>(
            ApiPath.Of($"products/{call.Get(Name)}/blynk"), new CloudChange(url), cancellation);
        call.Screen.Show(cloud, screen => screen.Line(
            new Cell(cloud.Product, Tone.Strong), cloud.Url is null ? " tells no cloud." : $" tells {cloud.Url} of its devices."));
    }
}

internal sealed record CloudChange(string? Url);

/// <param name="Url">Null when no cloud is told.</param>
internal sealed record Cloud(string Product, string? Url);
