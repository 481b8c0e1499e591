using System.Security.Claims;
using Ota.Server.Settings;
using Ota.Server.Staff;

namespace Ota.Server.People.Provider;

/// <summary>What the claims of an id token that was validated come to. Pure.</summary>
internal static class ProviderPolicy
{
    private const string Email = "email";
    private const int LongestName = 100;

    /// <summary>The highest role that one of the claim's values gives; null for none.</summary>
    // An address that nobody verified is whatever its owner typed.
    public static StaffRole? RoleOf(ClaimsIdentity claims, ProviderSettings settings) =>
        (settings.RoleClaim == Email && claims.FindFirst("email_verified")?.Value is not "true" ? [] : claims.FindAll(settings.RoleClaim))
            .Select(claim => settings.Roles.TryGetValue(claim.Value, out var role) ? role : (StaffRole?)null)
            .Append(settings.RoleOfEverybody)
            .Max();

    /// <summary>Names for the person, the best first; one that somebody has already is not taken, and nobody is known by it.</summary>
    public static IEnumerable<string> NamesFor(ClaimsIdentity claims, string subject)
    {
        var given = new[] { "name", "preferred_username", Email }
            .Select(type => Clean(claims.FindFirst(type)?.Value)).OfType<string>().Distinct(StringComparer.OrdinalIgnoreCase).ToArray();
        var best = given.FirstOrDefault() ?? Clean(subject) ?? "somebody";
        return [.. given.DefaultIfEmpty(best), .. Enumerable.Range(2, 98).Select(number => $"{best[..Math.Min(best.Length, LongestName - 5)]} ({number})")];
    }

    private static string? Clean(string? text)
    {
        var clean = string.Concat((text ?? "").Where(c => !char.IsControl(c) && !char.IsSurrogate(c))).Trim();
        clean = clean[..Math.Min(clean.Length, LongestName)].Trim();
        return SignInPolicy.NameFault(clean) is null ? clean : null;
    }
}
