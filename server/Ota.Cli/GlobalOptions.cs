using System.CommandLine;

namespace Ota.Cli;

/// <summary>Options every command takes.</summary>
internal static class GlobalOptions
{
    public static readonly Option<string?> Server = new("--server")
    {
        Description = "The server's address. Else OTA_SERVER, else what 'ota login' stored, else http://localhost:8080.",
        HelpName = "url",
        Recursive = true,
    };

    // Not --key: that is the developer's release key, which never goes to a server.
    public static readonly Option<string?> StaffKey = new("--staff-key")
    {
        Description = "Your staff key (ota_…), not a release key. Others on this machine can see arguments: "
            + "prefer OTA_KEY or 'ota login'.",
        HelpName = "key",
        Recursive = true,
    };

    public static readonly Option<bool> Json = new("--json")
    {
        Description = "Print one JSON document to stdout and nothing else; an error document goes to stderr.",
        Recursive = true,
    };
}
