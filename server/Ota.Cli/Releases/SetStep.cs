using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Releases;

/// <summary><c>ota release step</c></summary>
internal static class SetStep
{
    private static readonly Argument<string> Product = Arguments.Product();
    private static readonly Argument<string> Version = Arguments.Version();
    private static readonly Option<bool> Off = new("--off") { Description = "It may be skipped again." };

    public static Command Command { get; } = new Verb(
        "step", "Let no device skip a release: those below it run it first, before anything newer.", RunAsync)
    {
        Product,
        Version,
        Off,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var (product, version) = (call.Get(Product), Arguments.Versioned(call.Get(Version)));
        var releases = await call.Api.PutAsync<StepChange, Release[]>(
            ApiPath.Of($"products/{product}/releases/{version}/step"), new StepChange(!call.Get(Off)), cancellation);
        call.Screen.Show(releases, screen => screen.Line(
            new Cell($"{product} {version}", Tone.Strong),
            call.Get(Off) ? " may be skipped." : " is a step: devices below it run it before anything newer."));
    }
}

internal sealed record StepChange(bool Required);
