using System.CommandLine;
using Ota.Cli.Api;

namespace Ota.Cli.Products;

/// <summary><c>ota product pins</c></summary>
internal static class SetPins
{
    private static readonly Argument<string> Name = Arguments.Product();
    private static readonly Option<int?> CheckNow = Numbered("--check-now", "Written by staff: the device asks at once.");
    private static readonly Option<int?> Status = Numbered("--status", "What came of it.");
    private static readonly Option<int?> Version = Numbered("--version-pin", "The version that was confirmed last, and when.");
    private static readonly Option<int?> RestartCause = Numbered("--restart-cause", "Why the device last started.");
    private static readonly Option<int?> Rssi = Numbered("--rssi", "Its signal at the last check-in.");
    private static readonly Option<bool> Usual = new("--usual") { Description = "All where they usually are: 251 to 255." };

    public static Command Command { get; } = new Verb(
        "pins", "Choose the numbers (0 to 255) of the pins that mean something to the server; what is left out stays. All others are yours.", RunAsync)
    {
        Name,
        CheckNow,
        Status,
        Version,
        RestartCause,
        Rssi,
        Usual,
    };

    private static Option<int?> Numbered(string name, string description) => new(name) { Description = description, HelpName = "pin" };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var given = new[] { CheckNow, Status, Version, RestartCause, Rssi }.Any(option => call.Get(option) is not null);
        if (given == call.Get(Usual))
            throw FailureException.Usage("Give numbers, like --status 12, or --usual.");
        var pins = call.Get(Usual) ? null : Changed(call, (await call.Api.ProductAsync(call.Get(Name), cancellation)).Pins);
        var product = await call.Api.PutAsync<PinsChange, Product>(
            ApiPath.Of($"products/{call.Get(Name)}/pins"), new PinsChange(pins), cancellation);
        call.Screen.Show(product, product.Facts);
    }

    private static SystemPins Changed(Call call, SystemPins? there) => there is null
        ? throw FailureException.Usage("This server is too old to have virtual pins.")
        : new SystemPins(
            call.Get(CheckNow) ?? there.CheckNow,
            call.Get(Status) ?? there.Status,
            call.Get(Version) ?? there.Version,
            call.Get(RestartCause) ?? there.RestartCause,
            call.Get(Rssi) ?? there.Rssi);
}
