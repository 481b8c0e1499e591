using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Session;

/// <summary>Who the server says we are.</summary>
internal sealed record Whoami(string Name, string Role);

internal sealed record LoginResult(string Server, string Name, string Role, string Config);

/// <summary><c>ota login</c> and <c>ota whoami</c>.</summary>
internal static class Login
{
    private static readonly Option<string?> KeyFile = new("--staff-key-file")
    {
        Description = "Read the staff key from this file, e.g. the admin.key a new server writes.",
        HelpName = "file",
    };

    private static readonly Option<bool> KeyStdin = new("--staff-key-stdin")
    {
        Description = "Read the staff key from the first line of stdin.",
    };

    public static Command Command { get; } = new Verb(
        "login",
        "Check a staff key with the server and keep both for the next commands. Asks for the key on a terminal; "
        + "--staff-key and OTA_KEY work too.",
        RunAsync)
    {
        KeyFile,
        KeyStdin,
    };

    public static Command WhoamiCommand { get; } = new Verb("whoami", "Show who you are to the server, and your role.", WhoamiAsync);

    private static async Task RunAsync(Call call, CancellationToken cancellation)
    {
        var server = Connection.ServerOf(call, new StoredSettings(null, null));
        if (server is { Scheme: "http", IsLoopback: false })
            call.Screen.Warn($"{server} is not https; everyone on the way can read your staff key.");
        var key = Connection.Checked((await KeyAsync(call, cancellation)).Trim());
        using var api = new OtaApi(new Connection(server, key));
        var me = await api.GetAsync<Whoami>(ApiPath.Of($"whoami"), cancellation);
        new StoredSettings(server.AbsoluteUri, key).Write();
        call.Screen.Show(
            new LoginResult(server.AbsoluteUri, me.Name, me.Role, StoredSettings.Path),
            screen => screen.Line("You are ", new Cell(me.Name, Tone.Strong), $", {me.Role}, at {server}. Kept in {StoredSettings.Path}."));
    }

    private static async Task WhoamiAsync(Call call, CancellationToken cancellation)
    {
        var me = await call.Api.GetAsync<Whoami>(ApiPath.Of($"whoami"), cancellation);
        call.Screen.Show(me, screen => screen.Line(new Cell(me.Name, Tone.Strong), ", " + me.Role));
    }

    private static async Task<string> KeyAsync(Call call, CancellationToken cancellation)
    {
        if (call.Get(KeyFile) is { } file)
            return LocalFile.Text(file);
        if (call.Get(KeyStdin))
            return SecretInput.FromStdin("staff key");
        if ((call.Get(GlobalOptions.StaffKey) ?? Connection.Variable("OTA_KEY")) is { } key)
            return key;
        return SecretInput.CanAsk
            ? await SecretInput.AskAsync("Staff key", cancellation)
            : throw FailureException.Usage("No staff key: give --staff-key-file, --staff-key-stdin or OTA_KEY.");
    }
}
