using System.Globalization;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Dashboard.Forms;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.People.Provider;
using Ota.Server.Staff;

namespace Ota.Server.People;

/// <summary>The pages that hand out and end sessions. Plain forms: they work before there is a session, and set cookies, which a circuit cannot.</summary>
internal static class SignInPages
{
    private const long LargestForm = 16 * 1024;

    public static void MapSignIn(this IEndpointRouteBuilder app)
    {
        var pages = app.MapGroup("").ExcludeFromDescription().WithMetadata(new SmallBody(LargestForm));
        pages.MapGet("/sign-in", ShowSignIn).AllowAnonymous();
        pages.MapPost("/sign-in", SignInAsync).AllowAnonymous();
        pages.MapProvider();
        pages.MapGet("/setup", ShowSetup).AllowAnonymous();
        pages.MapPost("/setup", SetupAsync).AllowAnonymous();
        pages.MapPost("/sign-out", (Delegate)SignOutAsync).ForPerson(StaffRole.Viewer);
        pages.MapGet("/account", AccountPages.Show).ForPerson(StaffRole.Viewer);
        pages.MapPost("/account/password", AccountPages.PasswordAsync).ForPerson(StaffRole.Viewer);
        pages.MapPost("/account/second-factor", AccountPages.AddSecondFactorAsync).ForPerson(StaffRole.Viewer);
        pages.MapPost("/account/second-factor/remove", AccountPages.RemoveSecondFactorAsync).ForPerson(StaffRole.Viewer);
        pages.MapPost("/account/sign-out-everywhere", AccountPages.SignOutEverywhereAsync).ForPerson(StaffRole.Viewer);
    }

    /// <summary>The form, if our own page sent it; null and what to answer otherwise.</summary>
    public static async Task<(IFormCollection? Form, ProblemHttpResult? Problem)> FormAsync(HttpContext context)
    {
        if (!context.Request.HasFormContentType)
            return (null, Problems.Of(415, "content-type", "Wrong content type", "This page takes its own form."));
        var antiforgery = context.RequestServices.GetRequiredService<IAntiforgery>();
        return await antiforgery.IsRequestValidAsync(context)
            ? (await context.Request.ReadFormAsync(context.RequestAborted), null)
            : (null, Problems.Of(400, "forgery", "The form is not ours, or is too old", "Open the page again, and send the form from there."));
    }

    public static string TokenOf(HttpContext context) =>
        context.RequestServices.GetRequiredService<IAntiforgery>().GetAndStoreTokens(context).RequestToken!;

    public static string Text(this IFormCollection form, string name) => form[name].ToString();

    public static string AddressOf(HttpContext context) =>
        AddressMarks.KeyOf(context.Connection.RemoteIpAddress).ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Begins a session.</summary>
    /// <param name="until">When it ends however much it is used; null for never.</param>
    public static Task BeginAsync(HttpContext context, Person person, DateTimeOffset? until = null) =>
        context.SignInAsync(SessionCookie.Name, person.ToPrincipal(until));

    public static IResult ShowSignIn(HttpContext context, PeopleDirectory people, string? then = null) =>
        people.All().Count == 0 && ProviderPages.Link(context, then) is null
            ? TypedResults.Redirect("/setup")
            : Page(context, "", then, problem: null);

    private static async Task<IResult> SignInAsync(HttpContext context, SignInDesk desk, CallLimits limits)
    {
        var (form, refused) = await FormAsync(context);
        if (form is null)
            return refused!;
        var (name, then) = (form.Text("name"), form.Text("then"));
        // Attempts by the hundred need not ask the database whether they may be.
        var (person, wait) = limits.TakeRefused(context) is { } flood
            ? new SignIn(null, flood)
            : await desk.SignInAsync(name, form.Text("password"), form.Text("code"), AddressOf(context), context.RequestAborted);
        if (person is not null)
        {
            await BeginAsync(context, person);
            return TypedResults.LocalRedirect(IsOurs(then) ? then : "/");
        }

        if (wait is null)
            return Page(context, name, then, "Name, password or code is wrong.", StatusCodes.Status400BadRequest);
        CallLimits.SetRetryAfter(context, wait.Value);
        return Page(context, name, then, TooMany(wait.Value), StatusCodes.Status429TooManyRequests);
    }

    public static IResult ShowSetup(HttpContext context, PeopleDirectory people) => Setup(context, people, "", problem: null);

    private static async Task<IResult> SetupAsync(HttpContext context, PeopleDirectory people, SignInDesk desk, SignInGuard guard, CallLimits limits)
    {
        var (form, refused) = await FormAsync(context);
        if (form is null)
            return refused!;
        var (code, name, password) = (form.Text("code"), form.Text("name"), form.Text("password"));
        var problem = SignInPolicy.NameFault(name)
            ?? SignInPolicy.PasswordFault(password, name.Trim())
            ?? (password != form.Text("again") ? "The two passwords differ." : null);
        if (problem is null
            && (limits.TakeRefused(context) ?? await guard.BeginAsync("setup of " + name, AddressOf(context), context.RequestAborted)) is { } wait)
        {
            CallLimits.SetRetryAfter(context, wait);
            return Setup(context, people, name, TooMany(wait), StatusCodes.Status429TooManyRequests);
        }

        if (problem is null && people.InvitedBy(code) is null)
            problem = "This code is not good, or no longer.";
        if (problem is null)
        {
            var hash = await desk.HashAsync(password, context.RequestAborted);
            if (await people.AcceptAsync(code, name, hash, context.RequestAborted) is { } person)
            {
                await guard.SucceededAsync("setup of " + name, AddressOf(context), context.RequestAborted);
                await BeginAsync(context, person);
                return TypedResults.LocalRedirect("/");
            }

            problem = "This code is for another name, or was used.";
        }

        return Setup(context, people, name, problem, StatusCodes.Status400BadRequest);
    }

    private static async Task<IResult> SignOutAsync(HttpContext context)
    {
        var (form, refused) = await FormAsync(context);
        if (form is null)
            return refused!;
        await context.SignOutAsync(SessionCookie.Name);
        return TypedResults.LocalRedirect("/sign-in");
    }

    public static RazorComponentResult<SignInForm> Page(HttpContext context, string name, string? then, string? problem, int status = 200)
    {
        var link = ProviderPages.Link(context, then);
        return new(new
        {
            Token = TokenOf(context), Name = name, Then = then ?? "", Problem = problem, Provider = link?.Address, ProviderName = link?.Name,
            IsFirst = link is not null && context.RequestServices.GetRequiredService<PeopleDirectory>().All().Count == 0,
        })
        {
            StatusCode = status, PreventStreamingRendering = true,
        };
    }

    private static RazorComponentResult<SetupForm> Setup(HttpContext context, PeopleDirectory people, string name, string? problem, int status = 200) =>
        new(new { Token = TokenOf(context), Name = name, IsFirst = people.All().Count == 0, Problem = problem })
        {
            StatusCode = status, PreventStreamingRendering = true,
        };

    /// <summary>A path of this server, and not the beginning of another's address.</summary>
    public static bool IsOurs(string then) =>
        then.Length > 0 && then[0] == '/' && (then.Length == 1 || then[1] is not ('/' or '\\')) && !then.Any(char.IsControl);

    /// <summary>What somebody reads who has to wait.</summary>
    public static string TooMany(TimeSpan wait) =>
        $"Too many attempts. Try again in {(wait.TotalSeconds < 100 ? $"{CallLimits.Seconds(wait)} seconds" : $"{Math.Ceiling(wait.TotalMinutes)} minutes")}.";
}
