using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Dashboard.Forms;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.Settings;

namespace Ota.Server.People.Provider;

/// <summary>The way to the provider and back. A link, not a form: the policy of our pages lets forms go nowhere else.</summary>
internal static class ProviderPages
{
    private const string Root = "/sign-in/provider";
    private const string Back = Root + "/callback";
    private const int LongestCode = 8 * 1024;

    /// <summary>Over after this long, used or not: who is gone at the provider, or has another role there, is so here by then.</summary>
    private static readonly TimeSpan Session = TimeSpan.FromHours(12);

    public static IServiceCollection AddProvider(this IServiceCollection services, ServerSettings settings)
    {
        if (settings.Provider is not { } provider)
            return services;
        services.AddSingleton(provider);
        services.AddSingleton<IdentityProvider>();
        services.AddSingleton<ProviderPeople>();
        services.AddSingleton<ProviderCookie>();
        return services;
    }

    public static void MapProvider(this IEndpointRouteBuilder pages)
    {
        pages.MapGet(Root, BeginAsync).AllowAnonymous();
        pages.MapGet(Back, EndAsync).AllowAnonymous();
    }

    /// <summary>The address of the link, and what it names; null without a provider.</summary>
    public static (string Address, string Name)? Link(HttpContext context, string? then) =>
        context.RequestServices.GetService<ProviderSettings>() is { } settings
            ? (Root + (string.IsNullOrEmpty(then) ? "" : "?then=" + Uri.EscapeDataString(then)), settings.Authority.Host)
            : null;

    private static async Task<IResult> BeginAsync(HttpContext context, CallLimits limits, string? then = null)
    {
        if (context.RequestServices.GetService<IdentityProvider>() is not { } provider)
            return None();
        if (limits.TakeRefused(context) is { } wait)
            return RefuseFlood(context, wait);
        var request = context.Request;
        var state = context.RequestServices.GetRequiredService<ProviderCookie>().Begin(
            context, SignInPages.IsOurs(then ?? "") ? then! : "/", $"{request.Scheme}://{request.Host}{request.PathBase}{Back}");
        return await provider.AddressAsync(state, context.RequestAborted) is { } address
            ? TypedResults.Redirect(address)
            : Refuse(context, IdentityProvider.CannotBeReached, StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<IResult> EndAsync(
        HttpContext context, CallLimits limits, string? state = null, string? code = null, string? iss = null, string? error = null)
    {
        if (context.RequestServices.GetService<IdentityProvider>() is not { } provider)
            return None();
        var begun = context.RequestServices.GetRequiredService<ProviderCookie>().Take(context);
        var (person, fault, status) = begun is null || !begun.IsOf(state)
            ? (null, "This is not the answer to an attempt to sign in that this browser made within the last quarter of an hour. Try again.", 400)
            : error is { Length: > 0 } || code is not { Length: > 0 and < LongestCode }
                ? (null, "The provider did not let you in" + (error is { Length: < 64 } && error.All(IsPlain) ? $" ({error})." : "."), 403)
                : await ArriveAsync(context, provider, begun, code, iss);
        if (person is null)
            return limits.TakeRefused(context) is { } wait ? RefuseFlood(context, wait) : Refuse(context, fault, status);

        await SignInPages.BeginAsync(context, person, context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow() + Session);
        return TypedResults.LocalRedirect(begun!.Then);
    }

    private static async Task<(Person? Person, string Fault, int Status)> ArriveAsync(
        HttpContext context, IdentityProvider provider, ProviderState begun, string code, string? issuer)
    {
        var (claims, fault, status) = await provider.RedeemAsync(code, issuer, begun, context.RequestAborted);
        if (claims is null)
            return (null, fault!, status);
        var settings = context.RequestServices.GetRequiredService<ProviderSettings>();
        var people = context.RequestServices.GetRequiredService<ProviderPeople>();
        if (ProviderPolicy.RoleOf(claims, settings) is not { } role)
        {
            // Begun it is finished, also when the browser of who lost it goes away.
            await people.TurnAwayAsync(claims, CancellationToken.None);
            return (null,
                "The provider knows you, but nothing that it says of you gives you a role here. Ask an admin of this server; "
                + $"its roles go by the claim {settings.RoleClaim}.",
                StatusCodes.Status403Forbidden);
        }

        var arrival = await people.ArriveAsync(claims, begun, role, context.RequestAborted);
        return (arrival.Person, arrival.Fault ?? "", StatusCodes.Status403Forbidden);
    }

    private static RazorComponentResult<SignInForm> Refuse(HttpContext context, string fault, int status) =>
        SignInPages.Page(context, "", then: null, fault, status);

    private static RazorComponentResult<SignInForm> RefuseFlood(HttpContext context, TimeSpan wait)
    {
        CallLimits.SetRetryAfter(context, wait);
        return Refuse(context, SignInPages.TooMany(wait), StatusCodes.Status429TooManyRequests);
    }

    private static ProblemHttpResult None() =>
        Problems.Of(404, "no-provider", "Not found", "People sign in with passwords here: setting OidcAuthority names no provider.");

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-';
}
