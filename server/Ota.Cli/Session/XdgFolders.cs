namespace Ota.Cli.Session;

/// <summary>Where this user's files belong (XDG Base Directory Specification; the system's own places on Windows).</summary>
internal static class XdgFolders
{
    public static string Config => Of("XDG_CONFIG_HOME", Environment.SpecialFolder.ApplicationData, ".config");

    public static string State => Of("XDG_STATE_HOME", Environment.SpecialFolder.LocalApplicationData, Path.Combine(".local", "state"));

    private static string Of(string variable, Environment.SpecialFolder onWindows, string underHome)
    {
        // "All paths set in these environment variables must be absolute"; a relative one is to be ignored.
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } folder && Path.IsPathFullyQualified(folder))
            return folder;
        return OperatingSystem.IsWindows()
            ? Environment.GetFolderPath(onWindows)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), underHome);
    }
}
