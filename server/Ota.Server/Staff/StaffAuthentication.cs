using System.Security.Claims;
using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using Ota.Server.Http;
using Ota.Server.Limits;

namespace Ota.Server.Staff;

/// <summary>Reads <c>Authorization: Bearer ota_…</c>. Answers are ProblemDetails, and never say which part of a key was wrong.</summary>
internal sealed class StaffAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, StaffDirectory directory,
    CallLimits limits)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Name = "staff-key";
    private const string Bearer = "Bearer ";

    protected override Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return Task.FromResult(AuthenticateResult.NoResult());
        if (directory.Authenticate(header[Bearer.Length..].Trim()) is not { } key)
            return Task.FromResult(AuthenticateResult.Fail("unknown key"));
        if (!limits.AdmitsKey(Context, key))
            return Task.FromResult(AuthenticateResult.Fail("too many calls"));

        var identity = new ClaimsIdentity(
            [new Claim(ClaimTypes.Name, key.Name), new Claim(ClaimTypes.Role, key.Role.ToString())], Name);
        return Task.FromResult(AuthenticateResult.Success(new AuthenticationTicket(new ClaimsPrincipal(identity), Name)));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        Response.Headers.WWWAuthenticate = "Bearer";
        return CallLimits.RefuseAsync(Context, Problems.Of(
            401, "staff-key", "A staff key is needed", "Send 'Authorization: Bearer ota_…' with a key that is valid and not revoked."));
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) =>
        Problems.WriteAsync(Context, Problems.Of(
            403,
            "role",
            "This key's role may not do that",
            $"The key '{Context.User.Identity?.Name}' has the role {Context.User.Role().ToString().ToLowerInvariant()}; ask someone with a higher one."));
}

/// <summary>The roles as authorization policies, and who is asking.</summary>
internal static class StaffRoles
{
    public static IServiceCollection AddStaff(this IServiceCollection services)
    {
        services.AddSingleton<StaffDirectory>();
        services.AddWebEncoders();
        services.AddTransient<StaffAuthentication>();
        services.AddAuthenticationCore(options =>
        {
            options.AddScheme<StaffAuthentication>(StaffAuthentication.Name, displayName: null);
            options.DefaultChallengeScheme = StaffAuthentication.Name;
            options.DefaultForbidScheme = StaffAuthentication.Name;
        });
        var authorization = services.AddAuthorizationBuilder();
        foreach (var role in Enum.GetValues<StaffRole>())
        {
            authorization.AddPolicy(role.ToString(), policy => policy
                .AddAuthenticationSchemes(StaffAuthentication.Name)
                .RequireAuthenticatedUser()
                .RequireAssertion(context => context.User.Role() >= role));
        }

        // What names no role is for nobody: a forgotten policy must not open a door. What is no route of ours is the
        // framework's own 404, 405 or 415. It names no scheme, or every device call would be looked at as staff too.
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder()
            .RequireAssertion(context => context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint)
            .Build());
        return services;
    }

    /// <summary>Demands at least this role.</summary>
    public static TBuilder For<TBuilder>(this TBuilder endpoint, StaffRole role)
        where TBuilder : IEndpointConventionBuilder =>
        endpoint.RequireAuthorization(role.ToString());

    public static StaffRole Role(this ClaimsPrincipal user) =>
        Enum.TryParse<StaffRole>(user.FindFirstValue(ClaimTypes.Role), out var role) ? role : StaffRole.Viewer;

    /// <summary>The name on the key, for audit and timelines.</summary>
    public static string Who(this ClaimsPrincipal user) => user.Identity?.Name ?? "?";
}
