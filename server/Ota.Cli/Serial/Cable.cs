using System.CommandLine;

namespace Ota.Cli.Serial;

/// <summary>What the commands of <c>ota serial</c> have in common.</summary>
internal static class Cable
{
    public static readonly Argument<string> Port = new("port") { Description = "The unit's serial port, e.g. /dev/ttyUSB0." };

    private static readonly Option<int> Wait = new("--wait")
    {
        Description = "Seconds to wait for an answer; a unit that looks for its network answers between two attempts.",
        HelpName = "seconds",
        DefaultValueFactory = _ => 60,
        Recursive = true,
    };

    public static Command Command { get; } = new("serial", "A unit on a cable: its console, for when no network reaches it.")
    {
        Port, Wait, ShowStatus.Command, ClearByCable.Command, ProvisionByCable.Command, ShowLogs.Command,
    };

    public static UnitConsole Open(Call call) => call.Get(Wait) is > 0 and <= 3600 and var seconds
        ? new UnitConsole(call.Get(Port), TimeSpan.FromSeconds(seconds))
        : throw FailureException.Usage("--wait is 1 to 3,600 seconds.");

    /// <summary>Ends the command when the unit refused.</summary>
    public static void Check(IReadOnlyList<string[]> answer)
    {
        if (answer[^1] is ["refused", var reason, .. var more])
            throw FailureException.RefusedByUnit(reason, "The unit refused: " + Sentence(reason, more is [var detail, ..] ? detail : ""));
    }

    private static string Sentence(string reason, string detail) => reason switch
    {
        "no-password" => "it has no rescue password, so nobody may do this by cable. Its unit file names one as 'rescue-password'.",
        "password-needed" => "it asks for the password on its label; 'ota unit label' shows it.",
        "password" => $"that is not the password on its label. It takes the next one in {detail} s.",
        "wait" => $"a wrong password came before; it takes the next one in {detail} s.",
        "busy" => "it is in the middle of a recovery or a wipe. Try again after its restart.",
        "storage" => "its flash took no write. Try again; a bundle must be made anew.",
        "ssid" => "a network's name has 1 to 32 bytes.",
        "password-length" => "a Wi-Fi password has at most 64 bytes.",
        "owner" => "the owner has at most 64 bytes.",
        "not-enrolled" => "it has not enrolled yet, so no bundle is for it. Give it a network by --ssid.",
        "bundle-signature" => "the bundle is damaged, or was made for another unit or before it was enrolled anew.",
        "bundle-device" => "the bundle is for another unit.",
        "bundle-used" => "the bundle was used, or an order came after it was made. Make another with 'ota provision'.",
        "bundle-expired" => "the bundle's time is over. Make another with 'ota provision'.",
        "bundle-content" => "the bundle holds nothing that it understands. Is its firmware older than this server?",
        _ => $"it did not understand ({reason}). Is its firmware older than this command?",
    };
}
