using System.CommandLine;
using Ota.Cli.Api;

namespace Ota.Cli.Products;

/// <summary><c>ota product poll</c></summary>
internal static class SetPoll
{
    private static readonly Argument<string> Name = Arguments.Product();
    private static readonly Argument<string> When = new("when")
    {
        Description = "\"02:00 Australia/Adelaide ±60m\" each night, or \"every 30m\".",
    };

    public static Command Command { get; } = new Verb("poll", "Set when devices ask. Each hears of it when it asks next.", RunAsync) { Name, When };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var product = await call.Api.PutAsync<PollChange, Product>(
            ApiPath.Of($"products/{call.Get(Name)}/poll"), new PollChange(call.Get(When)!), cancellation);
        call.Screen.Show(product, product.Facts);
    }
}
