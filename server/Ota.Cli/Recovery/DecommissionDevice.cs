using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Deployments;
using Ota.Cli.Devices;
using Ota.Cli.Output;

namespace Ota.Cli.Recovery;

internal sealed record NewDecommission(string Reason, string? TransferTo, long? ExpiresIn, bool YesReally);

/// <summary><c>ota decommission</c> and <c>ota device transfer</c></summary>
internal static class DecommissionDevice
{
    public static readonly Option<bool> YesReally = new("--yes-really")
    {
        Description = "For an admin who means more of these in an hour than is usual.",
    };

    private static readonly Argument<string> Id = new("device") { Description = "The device's id, or its hardware id." };
    private static readonly Option<string> Why = new("--reason")
    {
        Description = "Why; kept in the timeline and the audit log.",
        HelpName = "text",
        Required = true,
    };

    private static readonly Option<string> To = new("--to") { Description = "The group it is in from then on.", HelpName = "group", Required = true };

    private static readonly Option<string?> Expires = new("--expires")
    {
        Description = "How long the order waits for a unit that is away, e.g. 36h; 14d unless given. Then its identity ends all the same.",
        HelpName = "time",
    };

    private static readonly Option<bool> Yes = new("--yes") { Description = "Do not ask." };

    public static Command Decommission { get; } = new Verb(
        "decommission", "Wipe one unit's Wi-Fi, owner and identity. It must enroll anew to come back.",
        (call, cancellation) => RunAsync(call, transferTo: null, cancellation))
    {
        Id,
        Why,
        Expires,
        Yes,
        YesReally,
    };

    public static Command Transfer { get; } = new Verb(
        "transfer", "Wipe one unit for its next owner: it keeps its history, moves to a group and gets new secrets when it enrolls.",
        (call, cancellation) => RunAsync(call, Arguments.Named("group", call.Get(To)!), cancellation))
    {
        Id,
        To,
        Why,
        Expires,
        Yes,
        YesReally,
    };

    private static async Task RunAsync(Call call, string? transferTo, CancellationToken cancellation)
    {
        var device = call.Get(Id)!;
        await RefuseClientAsync(call, device, cancellation);
        Confirm(call, device);
        var asked = new NewDecommission(call.Get(Why)!, transferTo, Lifetime.Seconds(call.Get(Expires)), call.Get(YesReally));
        var (wipe, armed) = await call.Api.PostAsync<NewDecommission, Deployment>(
            ApiPath.Of($"devices/{device}/decommission"), asked, cancellation);
        call.Screen.Show(wipe, screen =>
        {
            screen.Line(
                armed ? "Armed: at its next contact " : "Under way already: at its next contact ",
                new Cell(wipe.Device, Tone.Strong), " forgets its Wi-Fi, its owner and its identity.",
                transferTo is null ? "" : $" It is in group {transferTo} from then on.");
            screen.Facts(
                ("Deployment", $"{wipe.Id}"),
                ("State", Cell.State(wipe.State)),
                ("Identity ends", When.Both(wipe.Expires, call.Now) + " at the latest"),
                ("Take it back", $"ota deployment cancel {wipe.Id} (until the unit has it)"));
        });
    }

    // Before anybody is asked to mean it.
    private static async Task RefuseClientAsync(Call call, string device, CancellationToken cancellation)
    {
        var unit = await call.Api.GetAsync<DeviceDetail>(ApiPath.Of($"devices/{device}"), cancellation);
        if (unit.Dialect is { } dialect)
        {
            throw FailureException.Refused(
                "urn:ota:problem:dialect", $"{device} speaks {dialect}: its client cannot be told to wipe itself.",
                "'ota recover' clears its Wi-Fi where there is a recovery build; 'ota device hand-over' lets the hardware be taken in anew.", status: 422);
        }
    }

    // There is no way back for the unit's owner, so a slip of the finger must not be enough.
    private static void Confirm(Call call, string device)
    {
        if (call.Get(Yes))
            return;
        if (Console.IsInputRedirected)
            throw FailureException.Usage("This wipes the unit. Add --yes to say that you mean it.");
        Console.Error.Write($"This wipes {device}: it forgets its Wi-Fi, its owner and who it is. Type its name again to go on: ");
        if (Console.ReadLine()?.Trim() != device)
            throw FailureException.Usage("Nothing was ordered.");
    }
}
