namespace Ota.Cli.Session;

/// <summary>The server and the staff key of one call: option before environment before file.</summary>
internal sealed record Connection(Uri Server, string StaffKey)
{
    public const string DefaultServer = "http://localhost:8080";

    public static Connection Of(Call call)
    {
        var stored = StoredSettings.Read();
        var server = ServerOf(call, stored);
        var key = call.Get(GlobalOptions.StaffKey) ?? Variable("OTA_KEY");
        if (key is not null)
            return new Connection(server, Checked(key));
        if (stored.StaffKey is null)
            throw FailureException.Usage("No staff key: run 'ota login', set OTA_KEY or give --staff-key.");
        // A stored key is for the server it was stored with; sent to another, that one would own it.
        return stored.Server is not null && Address(stored.Server) == server
            ? new Connection(server, Checked(stored.StaffKey))
            : throw FailureException.Usage(
                $"The stored staff key is for {stored.Server ?? "no server"}, not for {server}: run 'ota login --server {server}', "
                + "set OTA_KEY or give --staff-key.");
    }

    public static Uri ServerOf(Call call, StoredSettings stored) =>
        Address(call.Get(GlobalOptions.Server) ?? Variable("OTA_SERVER") ?? stored.Server ?? DefaultServer);

    public static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    /// <summary>A staff key as it may stand in a header.</summary>
    public static string Checked(string key) => key.Length is > 0 and <= 256 && key.All(c => c is > ' ' and < '\u007f')
        ? key
        : throw FailureException.Usage("That is not a staff key; one looks like ota_<id>_<secret>, on one line.");

    private static Uri Address(string text)
    {
        if (!Uri.TryCreate(text.Trim(), UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")
            || uri.UserInfo.Length > 0 || uri.Query.Length > 0 || uri.Fragment.Length > 0)
            throw FailureException.Usage($"'{text}' is not a server's address; one looks like https://ota.example.com.");
        // Relative paths are resolved against the last '/', so a server below a path needs one at its end.
        return uri.AbsolutePath.EndsWith('/') ? uri : new Uri(uri.AbsoluteUri + "/");
    }
}
