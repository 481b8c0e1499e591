using System.Text.Json;
using Ota.Cli.Api;

namespace Ota.Cli.Session;

/// <summary>What <c>ota login</c> keeps for the next commands, readable by its owner only.</summary>
internal sealed record StoredSettings(string? Server, string? StaffKey)
{
    /// <summary><c>OTA_CONFIG</c>, else <c>ota/config.json</c> in the XDG config folder.</summary>
    public static string Path => Environment.GetEnvironmentVariable("OTA_CONFIG") is { Length: > 0 } path
        ? path
        : System.IO.Path.Combine(XdgFolders.Config, "ota", "config.json");

    /// <summary>Empty settings when nobody has logged in yet.</summary>
    public static StoredSettings Read()
    {
        if (!File.Exists(Path))
            return new StoredSettings(null, null);
        try
        {
            return JsonSerializer.Deserialize(LocalFile.Text(Path), OtaJson.Wire<StoredSettings>()) ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw FailureException.Usage($"{Path} is not what 'ota login' writes; log in again or delete it.");
        }
    }

    public void Write() => PrivateFile.Replace(Path, JsonSerializer.Serialize(this, OtaJson.Shown<StoredSettings>()) + "\n");
}
