using System.CommandLine;
using Ota.Cli.Api;

namespace Ota.Cli.Products;

/// <summary><c>ota product retention</c></summary>
internal static class SetRetention
{
    private static readonly Argument<string> Name = Arguments.Product();
    private static readonly Option<int?> Keep = new("--keep")
    {
        Description = "The newest so many releases of each hardware and channel keep their image.", HelpName = "n",
    };

    private static readonly Option<int> Days = new("--days")
    {
        Description = "How long other images stay after the upload, and after the last unit needed them, 1 to 3650 days.",
        HelpName = "n",
        DefaultValueFactory = _ => 30,
    };

    private static readonly Option<bool> Off = new("--off") { Description = "Keep every image for ever." };

    public static Command Command { get; } = new Verb(
        "retention", "Let the server delete image files that no unit needs. Statements, hashes and the audit log stay.", RunAsync)
    {
        Name,
        Keep,
        Days,
        Off,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(Keep) is null == !call.Get(Off))
            throw FailureException.Usage("Give either --keep, like --keep 5, or --off.");
        var retention = call.Get(Keep) is { } keep ? new ImageRetention(keep, call.Get(Days)) : null;
        var product = await call.Api.PutAsync<RetentionChange, Product>(
            ApiPath.Of($"products/{call.Get(Name)}/retention"), new RetentionChange(retention), cancellation);
        call.Screen.Show(product, product.Facts);
    }
}
