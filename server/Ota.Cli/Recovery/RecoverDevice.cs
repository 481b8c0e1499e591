using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Deployments;
using Ota.Cli.Output;

namespace Ota.Cli.Recovery;

internal sealed record NewRecovery(string Reason, string? Release, long? ExpiresIn, bool YesReally);

/// <summary><c>ota recover</c></summary>
internal static class RecoverDevice
{
    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };
    private static readonly Option<string> Why = new("--reason")
    {
        Description = "Why; kept in the timeline and the audit log.",
        HelpName = "text",
        Required = true,
    };

    private static readonly Option<string?> Expires = new("--expires")
    {
        Description = "How long it waits for a unit that cannot be reached, e.g. 36h; 14d unless given.",
        HelpName = "time",
    };

    private static readonly Option<string?> Release = new("--release")
    {
        Description = "The recovery build's version; the newest unless given.",
        HelpName = "version",
    };

    public static Command Command { get; } = new Verb(
        "recover",
        "Clear one unit's Wi-Fi and owner, once, and return it to the release it runs. Waits for a unit that is away.",
        RunAsync)
    {
        Id,
        Why,
        Expires,
        Release,
        DecommissionDevice.YesReally,
    };

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var asked = new NewRecovery(
            call.Get(Why)!, call.Get(Release), Lifetime.Seconds(call.Get(Expires)), call.Get(DecommissionDevice.YesReally));
        var (recovery, armed) = await call.Api.PostAsync<NewRecovery, Deployment>(
            ApiPath.Of($"devices/{call.Get(Id)}/recover"), asked, cancellation);
        call.Screen.Show(recovery, screen =>
        {
            screen.Line(
                armed ? "Armed: " : "A recovery is under way already: ",
                new Cell(recovery.Device, Tone.Strong),
                recovery.TwoStep == true
                    ? $" is handed the recovery build {recovery.Version} once, the next time it asks, and what it runs now as soon as it asks from that. "
                        + "What is cleared is up to the build."
                    : $" will run recovery {recovery.Version} once, forget its Wi-Fi and its owner, return to what it runs now and wait to be provisioned.");
            screen.Facts(
                ("Deployment", $"{recovery.Id}"),
                ("State", Cell.State(recovery.State)),
                ("Waits until", When.Both(recovery.Expires, call.Now)),
                ("Take it back", $"ota deployment cancel {recovery.Id} ({(recovery.TwoStep == true ? "until it was handed out" : "until the unit has it")})"),
                ("Follow it", $"ota device show {recovery.Device}"));
        });
    }
}
