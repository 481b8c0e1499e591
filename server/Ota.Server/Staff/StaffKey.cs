using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.Staff;

/// <summary>What a person or machine of the staff may do; each role includes the ones before it.</summary>
public enum StaffRole
{
    /// <summary>Reads.</summary>
    Viewer,

    /// <summary>Helps one customer: groups, hand-over, one device's deployment.</summary>
    Support,

    /// <summary>Adds products, uploads and withdraws releases, deploys to many.</summary>
    Developer,

    /// <summary>Manages staff keys and reads the audit log.</summary>
    Admin,
}

/// <summary>A staff key as it is kept: never the key, only its hash.</summary>
public sealed record StaffKey(string Id, string Name, StaffRole Role, DateTimeOffset Created, DateTimeOffset? Revoked);

/// <summary>Making and taking apart <c>ota_&lt;id&gt;_&lt;secret&gt;</c>.</summary>
internal static class StaffKeyText
{
    private const string Prefix = "ota_";

    public static (string Id, string Key) New()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));
        return (id, Prefix + id + "_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
    }

    /// <summary>The id in a key's text, or null when it is not one.</summary>
    public static string? IdOf(string key) =>
        key.Length == Prefix.Length + 10 + 1 + 64 && key.StartsWith(Prefix, StringComparison.Ordinal) && key[14] == '_'
            ? key[4..14]
            : null;

    /// <summary>SHA-256 suffices: the secret has 256 random bits, so there is nothing to guess slowly.</summary>
    public static string Hash(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(key)));
}
