using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.DataProtection;

namespace Ota.Server.People.Provider;

/// <summary>What a browser keeps, sealed, while its person is at the provider.</summary>
/// <param name="State">Comes back in the address.</param>
/// <param name="Nonce">Comes back in the id token.</param>
/// <param name="Verifier">Proves to the provider that who redeems the code is who began (RFC 7636).</param>
/// <param name="Then">The page to go on to.</param>
/// <param name="Redirect">Where the provider was told to send the browser.</param>
/// <param name="At">Unix seconds.</param>
internal sealed record ProviderState(string State, string Nonce, string Verifier, string Then, string Redirect, long At)
{
    /// <summary>The challenge that goes with the verifier.</summary>
    public string Challenge => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));

    public string StateHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(State)));

    public bool IsOf(string? state) =>
        state is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(state), Encoding.UTF8.GetBytes(State));

    public static ProviderState New(string then, string redirect, DateTimeOffset now) =>
        new(Random(), Random(), Random(), then, redirect, now.ToUnixTimeSeconds());

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}

[JsonSerializable(typeof(ProviderState))]
internal sealed partial class ProviderStateJson : JsonSerializerContext;

/// <summary>The cookie that holds it: sent along when the provider sends the browser back, read once, good for a quarter of an hour.</summary>
internal sealed class ProviderCookie(IDataProtectionProvider protection, TimeProvider time)
{
    private const string Name = "ota-provider";
    private const string Path = "/sign-in/provider";
    private const int LongestThen = 1000;

    /// <summary>Also how long a state that was used is remembered.</summary>
    public static readonly TimeSpan Life = TimeSpan.FromMinutes(15);

    // Another server may have begun it, whose clock is not quite ours.
    private static readonly TimeSpan Skew = TimeSpan.FromMinutes(1);

    private readonly IDataProtector _protector = protection.CreateProtector("ota.provider");

    public ProviderState Begin(HttpContext context, string then, string redirect)
    {
        var state = ProviderState.New(then.Length > LongestThen ? "/" : then, redirect, time.GetUtcNow());
        var bytes = JsonSerializer.SerializeToUtf8Bytes(state, ProviderStateJson.Default.ProviderState);
        context.Response.Cookies.Append(Name, Base64Url.EncodeToString(_protector.Protect(bytes)), Options(context, Life));
        return state;
    }

    /// <summary>What was begun in this browser, taken away from it; null when nothing was, or too long ago.</summary>
    public ProviderState? Take(HttpContext context)
    {
        if (context.Request.Cookies[Name] is not { Length: > 0 and < 4096 } text)
            return null;
        context.Response.Cookies.Delete(Name, Options(context, life: null));
        try
        {
            var state = JsonSerializer.Deserialize(_protector.Unprotect(Base64Url.DecodeFromChars(text)), ProviderStateJson.Default.ProviderState);
            return state is not null && time.GetUtcNow().ToUnixTimeSeconds() - state.At is var age && age >= -Skew.TotalSeconds && age <= Life.TotalSeconds ? state : null;
        }
        catch (Exception fault) when (fault is CryptographicException or FormatException)
        {
            return null;
        }
    }

    // Lax: the provider's redirect is another site's, and must bring it.
    private static CookieOptions Options(HttpContext context, TimeSpan? life) => new()
    {
        HttpOnly = true, SameSite = SameSiteMode.Lax, Secure = context.Request.IsHttps, Path = Path, MaxAge = life, IsEssential = true,
    };
}
