using System.CommandLine;
using Ota.Cli.Output;

namespace Ota.Cli.Products;

/// <summary><c>ota product show</c></summary>
internal static class ShowProduct
{
    private static readonly Argument<string> Name = Arguments.Product();

    public static Command Command { get; } = new Verb(
        "show", "Show a product; developers also see the enrollment key for the factory.", RunAsync)
    {
        Name,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var product = await call.Api.ProductAsync(call.Get(Name), cancellation);
        call.Screen.Show(product, screen =>
        {
            product.Facts(screen);
            if (product.EnrollmentKey is { } key)
            {
                screen.Line(new Cell("  Enrollment key, for the factory:", Tone.Dim));
                Screen.Verbatim("  " + Cell.Clean(key));
            }
        });
    }
}
