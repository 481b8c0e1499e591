using System.CommandLine;
using Ota.Cli.Api;

namespace Ota.Cli.Products;

/// <summary><c>ota product signal</c></summary>
internal static class SetSignal
{
    private static readonly Argument<string> Name = Arguments.Product();
    private static readonly Option<int?> WeakerThan = new("--weaker-than") { Description = "The signal below which downloads wait, e.g. -80.", HelpName = "dBm" };
    private static readonly Option<int> Days = new("--days")
    {
        Description = "How long at most, 1 to 30 days; then it is downloaded as it is.",
        HelpName = "n",
        DefaultValueFactory = _ => 3,
    };

    private static readonly Option<bool> Off = new("--off") { Description = "Never wait." };

    public static Command Command { get; } = new Verb(
        "signal", "Let updates of units with a weak signal wait for a better hour. A recovery never waits.", RunAsync)
    {
        Name,
        WeakerThan,
        Days,
        Off,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(WeakerThan) is null == !call.Get(Off))
            throw FailureException.Usage("Give either --weaker-than, like --weaker-than -80, or --off.");
        var signal = call.Get(WeakerThan) is { } weak ? new SignalPolicy(weak, call.Get(Days)) : null;
        var product = await call.Api.PutAsync<SignalChange, Product>(
            ApiPath.Of($"products/{call.Get(Name)}/signal"), new SignalChange(signal), cancellation);
        call.Screen.Show(product, product.Facts);
    }
}
