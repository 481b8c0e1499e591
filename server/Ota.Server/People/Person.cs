using System.Globalization;
using System.Security.Claims;
using System.Security.Cryptography;
using Ota.Server.Staff;

namespace Ota.Server.People;

/// <summary>Somebody who signs in at the dashboard. Replaced whole, so a reader never sees half of a change.</summary>
/// <param name="Password">Its hash; null while the person has not chosen one.</param>
/// <param name="Stamp">Changes with everything that ends the person's sessions.</param>
/// <param name="Totp">What makes the codes of the authenticator app; null without one.</param>
/// <param name="TotpStep">The step of the last code that was used; none up to it counts again.</param>
/// <param name="Account">Who this is at the OpenID Connect provider; null for who signs in with a password.</param>
/// <param name="RecoveryCodes">Hashes of those that are left.</param>
internal sealed record Person(
    string Id,
    string Name,
    StaffRole Role,
    string? Password,
    string Stamp,
    byte[]? Totp,
    long TotpStep,
    IReadOnlyList<string> RecoveryCodes,
    DateTimeOffset Created,
    DateTimeOffset? Disabled,
    ProviderAccount? Account = null)
{
    private const string StampClaim = "stamp";
    private const string UntilClaim = "until";

    public static string NewId() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(5));

    public static string NewStamp() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Names differ by more than their case.</summary>
    public static string KeyOf(string name) => name.Trim().ToLowerInvariant();

    /// <param name="until">When the session ends however much it is used; null for never.</param>
    public ClaimsPrincipal ToPrincipal(DateTimeOffset? until = null) => new(new ClaimsIdentity(
        [
            new Claim(ClaimTypes.NameIdentifier, Id), new Claim(ClaimTypes.Name, Name), new Claim(ClaimTypes.Role, Role.ToString()),
            new Claim(StampClaim, Stamp),
            .. until is { } end ? [new Claim(UntilClaim, end.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture))] : Array.Empty<Claim>(),
        ],
        SessionCookie.Name));

    /// <summary>Whether a session that began with these claims is still one.</summary>
    public bool IsStill(ClaimsPrincipal claimed, DateTimeOffset now) =>
        Disabled is null && claimed.FindFirstValue(StampClaim) == Stamp
        && (claimed.FindFirstValue(UntilClaim) is not { } until || now.ToUnixTimeSeconds() < long.Parse(until, CultureInfo.InvariantCulture));
}

/// <summary>Who somebody is at a provider: the two together, and nothing else, never change and are never another's.</summary>
internal sealed record ProviderAccount(string Issuer, string Subject);

/// <summary>A person as admins see them.</summary>
/// <param name="State"><c>invited</c>, <c>active</c> or <c>disabled</c>.</param>
/// <param name="Provider">Where they sign in by OpenID Connect, its issuer; null for who has a password.</param>
/// <param name="Code">Only in the answer that made it: lets the person choose a password at /setup, once.</param>
public sealed record PersonView(
    string Id, string Name, string Role, string State, bool SecondFactor, DateTimeOffset Created, DateTimeOffset? Disabled, string? Provider = null,
    string? Code = null)
{
    internal static PersonView Of(Person person, string? code = null) => new(
        person.Id,
        person.Name,
        person.Role.ToString().ToLowerInvariant(),
        person.Disabled is not null ? "disabled" : person is { Password: null, Account: null } ? "invited" : "active",
        person.Totp is not null,
        person.Created,
        person.Disabled,
        person.Account?.Issuer,
        code);
}
