using System.Xml.Linq;
using Dapper;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.DataProtection.Repositories;
using Microsoft.AspNetCore.DataProtection.XmlEncryption;
using Microsoft.Extensions.Options;
using Ota.Server.Data;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.People;

/// <summary>
/// A person's session: a cookie that is good for pages and for nothing else. Calls of the API take staff keys alone, so that there is no call
/// that another site could make in a person's name.
/// </summary>
internal static class SessionCookie
{
    public const string Name = "session";

    private const string PagePolicy = "page:";
    private static readonly TimeSpan Life = TimeSpan.FromHours(12);

    public static IServiceCollection AddPeople(this IServiceCollection services)
    {
        services.AddSingleton<PeopleDirectory>();
        services.AddSingleton<SignInGuard>();
        services.AddSingleton<SignInDesk>();
        services.AddDataProtection().SetApplicationName("ota");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>>(provider => new ConfigureOptions<KeyManagementOptions>(options =>
        {
            options.XmlRepository = new WebKeys(provider.GetRequiredService<Database>(), provider.GetRequiredService<TimeProvider>());
            options.XmlEncryptor = new WebKeySeal(provider.GetRequiredService<MasterSecret>());
        }));
        services.AddAuthentication().AddCookie(Name, options =>
        {
            options.Cookie.Name = "ota-session";
            options.Cookie.HttpOnly = true;
            options.Cookie.SameSite = SameSiteMode.Lax;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            options.ExpireTimeSpan = Life;
            options.SlidingExpiration = true;
            options.LoginPath = "/sign-in";
            options.AccessDeniedPath = "/not-yours";
            options.ReturnUrlParameter = "then";
            options.Events.OnValidatePrincipal = ValidateAsync;
        });
        services.AddAntiforgery(options =>
        {
            options.Cookie.Name = "ota-form";
            options.Cookie.SameSite = SameSiteMode.Strict;
            options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            // The page says who may frame it.
            options.SuppressXFrameOptionsHeader = true;
        });
        var authorization = services.AddAuthorizationBuilder();
        foreach (var role in Enum.GetValues<StaffRole>())
        {
            authorization.AddPolicy(PolicyOf(role), policy => policy
                .AddAuthenticationSchemes(Name)
                .RequireAuthenticatedUser()
                .RequireAssertion(context => context.User.Role() >= role));
        }

        return services;
    }

    /// <summary>Demands a person of at least this role, signed in.</summary>
    public static TBuilder ForPerson<TBuilder>(this TBuilder endpoint, StaffRole role)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(PolicyOf(role));

    public static string PolicyOf(StaffRole role) => PagePolicy + role;

    // From memory, at every request: what ends a session ends it at once, on every server that has heard of it.
    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var people = context.HttpContext.RequestServices.GetRequiredService<PeopleDirectory>();
        if (context.Principal is { } claimed && people.Of(claimed) is not null)
            return;
        context.RejectPrincipal();
        await context.HttpContext.SignOutAsync(Name);
    }
}

/// <summary>The keys of cookies, in the database: every server on it takes the cookies of the others.</summary>
internal sealed class WebKeys(Database database, TimeProvider time) : IXmlRepository
{
    private const string AddSql = "INSERT INTO web_keys (id, xml, added) VALUES (@id, @xml, @added) ON CONFLICT DO NOTHING";

    public IReadOnlyCollection<XElement> GetAllElements() =>
        database.Read(connection => connection.Query<string>("SELECT xml FROM web_keys ORDER BY added, id").Select(XElement.Parse).ToArray());

    // The interface is of the time before async; it is called at the start, and then every few weeks.
    public void StoreElement(XElement element, string friendlyName) =>
        database.WriteAsync(
            connection => connection.Execute(AddSql, new
            {
                id = friendlyName, xml = element.ToString(SaveOptions.DisableFormatting), added = time.GetUtcNow().ToUnixTimeMilliseconds(),
            }),
            CancellationToken.None).GetAwaiter().GetResult();
}

/// <summary>Seals those keys under the master secret, which is not in the database.</summary>
internal sealed class WebKeySeal(MasterSecret master) : IXmlEncryptor
{
    public const string Use = "cookies";

    public EncryptedXmlInfo Encrypt(XElement plaintextElement) => new(
        new XElement("sealed", Convert.ToBase64String(Sealed.Seal(plaintextElement.ToString(SaveOptions.DisableFormatting), Use, master.WebKey(Use)))), typeof(WebKeyOpener));
}

/// <summary>Opens what <see cref="WebKeySeal"/> sealed; made by the framework, from its name in the database.</summary>
internal sealed class WebKeyOpener(IServiceProvider services) : IXmlDecryptor
{
    public XElement Decrypt(XElement encryptedElement) =>
        XElement.Parse(Sealed.Open(Convert.FromBase64String(encryptedElement.Value), WebKeySeal.Use, services.GetRequiredService<MasterSecret>().WebKey(WebKeySeal.Use)));
}
