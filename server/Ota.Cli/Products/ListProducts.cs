using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Products;

/// <summary><c>ota product list</c></summary>
internal static class ListProducts
{
    public static Command Command { get; } = new Verb("list", "List the products.", RunAsync);

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var products = await call.Api.GetAsync<Product[]>(ApiPath.Of($"products"), cancellation);
        call.Screen.Show(products, screen => screen.Table(
            ["Product", "Hardware", "Asks", "Release keys"],
            [.. products.Select(product => new Cell[]
            {
                new(product.Name, Tone.Strong),
                string.Join(", ", product.Hardware),
                product.Poll,
                string.Join(", ", product.ReleaseKeys.Select(key => key.Id)),
            })],
            "There is no product yet; 'ota product add' makes one."));
    }
}
