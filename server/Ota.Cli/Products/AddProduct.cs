using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Keys;
using Ota.Cli.Output;

namespace Ota.Cli.Products;

internal sealed record NewProduct(string Name, IReadOnlyList<string> Hardware, IReadOnlyList<string> ReleaseKeys, string? Poll);

/// <summary><c>ota product add</c></summary>
internal static class AddProduct
{
    private static readonly Argument<string> Name = Arguments.Product();

    private static readonly Option<string[]> Hardware = new("--hardware")
    {
        Description = "A kind of hardware the product is built on, e.g. esp32. Repeat it for several.",
        HelpName = "name",
        Required = true,
    };

    private static readonly Option<string[]> ReleaseKeys = new("--release-key")
    {
        Description = "A public release key (*.pub.pem) whose releases are accepted. Repeat it for several.",
        HelpName = "file",
        Required = true,
    };

    private static readonly Option<string?> Poll = new("--poll")
    {
        Description = "When devices ask: \"02:00 Australia/Adelaide ±60m\" each night, or \"every 30m\". Else 02:00 UTC ±60m.",
        HelpName = "when",
    };

    public static Command Command { get; } = new Verb("add", "Add a product, what its builds are for.", RunAsync)
    {
        Name,
        Hardware,
        ReleaseKeys,
        Poll,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var name = Arguments.Named("product", call.Get(Name));
        var hardware = call.Get(Hardware)!.Select(one => Arguments.Named("hardware", one)).ToArray();
        var keys = call.Get(ReleaseKeys)!.Select(file => KeyFiles.OpenPublic(file).Pem).ToArray();
        var (product, created) = await call.Api.PostAsync<NewProduct, Product>(
            ApiPath.Of($"products"), new NewProduct(name, hardware, keys, call.Get(Poll)), cancellation);
        call.Screen.Show(product, screen =>
        {
            screen.Line(created ? "Added." : "It was there already, just so.");
            product.Facts(screen);
        });
    }
}
