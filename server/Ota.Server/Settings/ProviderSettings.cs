using Ota.Server.Staff;

namespace Ota.Server.Settings;

/// <summary>The OpenID Connect provider by which people sign in (docs/operations.md). Not a record: one would print its secret.</summary>
internal sealed class ProviderSettings
{
    private const string Everybody = "*";
    private static readonly string[] Others = ["OidcClientId", "OidcClientSecret", "OidcClientSecretFile", "OidcRoles", "OidcRoleClaim", "OidcScopes"];

    private ProviderSettings(
        Uri authority, string clientId, string? clientSecret, string scopes, string roleClaim, IReadOnlyDictionary<string, StaffRole> roles) =>
        (Authority, ClientId, ClientSecret, Scopes, RoleClaim, Roles) = (authority, clientId, clientSecret, scopes, roleClaim, roles);

    /// <summary>What its id tokens name as their issuer, spelled as it was given.</summary>
    public Uri Authority { get; }

    public string ClientId { get; }

    /// <summary>Null for a public client, which PKCE alone vouches for.</summary>
    public string? ClientSecret { get; }

    public string Scopes { get; }

    /// <summary>The claim of which a value gives a role.</summary>
    public string RoleClaim { get; }

    /// <summary>Which value gives which.</summary>
    public IReadOnlyDictionary<string, StaffRole> Roles { get; }

    /// <summary>Of who has none by a claim; null for none.</summary>
    public StaffRole? RoleOfEverybody => Roles.TryGetValue(Everybody, out var role) ? role : null;

    /// <summary>Whether a secret or a token may go there: by https, or within this machine.</summary>
    public static bool IsSafe(Uri address) =>
        address.Scheme == Uri.UriSchemeHttps || (address.Scheme == Uri.UriSchemeHttp && address.IsLoopback);

    /// <summary>Null when people sign in with passwords alone. No fault repeats the secret.</summary>
    public static ProviderSettings? From(IConfiguration configuration)
    {
        if (configuration["OidcAuthority"] is not { Length: > 0 } authority)
        {
            return Others.FirstOrDefault(name => configuration[name] is { Length: > 0 }) is { } lonely
                ? throw new SettingFault($"Setting {lonely} is for signing in by OpenID Connect; set OidcAuthority too.")
                : null;
        }

        if (!Uri.TryCreate(authority, UriKind.Absolute, out var uri) || !IsSafe(uri) || uri is not { UserInfo: "", Query: "", Fragment: "" })
            throw new SettingFault("Setting OidcAuthority takes the provider's https address, like https://id.example.com/realms/main, and nothing secret in it.");
        if (configuration["OidcClientId"] is not { Length: > 0 } clientId)
            throw new SettingFault("Setting OidcAuthority needs OidcClientId, the id under which this server is registered at the provider.");
        var scopes = configuration["OidcScopes"] is { Length: > 0 } given ? given : "openid profile email";
        if (!scopes.Split(' ').Contains("openid"))
            throw new SettingFault("Setting OidcScopes takes scopes with spaces between them, and openid is one of them.");
        return new ProviderSettings(
            uri, clientId, SecretFrom(configuration), scopes, configuration["OidcRoleClaim"] is { Length: > 0 } claim ? claim : "groups",
            RolesFrom(configuration["OidcRoles"]));
    }

    private static string? SecretFrom(IConfiguration configuration)
    {
        if (configuration["OidcClientSecretFile"] is not { Length: > 0 } file)
            return configuration["OidcClientSecret"] is { Length: > 0 } secret ? secret : null;
        try
        {
            return File.ReadAllText(file).Trim() is { Length: > 0 } text
                ? text
                : throw new SettingFault($"Setting OidcClientSecretFile: {file} is empty.");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new SettingFault($"Setting OidcClientSecretFile: {file} cannot be read: {fault.Message}");
        }
    }

    private static Dictionary<string, StaffRole> RolesFrom(string? text)
    {
        var roles = new Dictionary<string, StaffRole>(StringComparer.Ordinal);
        foreach (var entry in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            // A value may have one of its own.
            var equals = entry.LastIndexOf('=');
            if (equals < 1 || StaffEndpoints.Role(entry[(equals + 1)..].Trim()) is not { } role || !roles.TryAdd(entry[..equals].Trim(), role))
            {
                throw new SettingFault(
                    $"Setting OidcRoles takes values of the claim and roles, each value once, like ota-admins=admin,everyone=viewer, not '{entry}'. "
                    + StaffEndpoints.RoleFault);
            }
        }

        return roles.Count > 0 ? roles : throw new SettingFault(
            "Setting OidcAuthority needs OidcRoles, which says who may sign in as what, like ota-admins=admin,everyone=viewer; *=viewer lets everybody in.");
    }
}
