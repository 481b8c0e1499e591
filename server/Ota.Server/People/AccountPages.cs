using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Dashboard.Forms;
using QRCoder;

namespace Ota.Server.People;

/// <summary>One's own account: password, second factor, sessions. Every change asks for the password again and ends the other sessions.</summary>
internal static class AccountPages
{
    private const string Wrong = "The password is wrong, or there were too many attempts.";

    public static IResult Show(HttpContext context, PeopleDirectory people, ClaimsPrincipal user) => Page(context, people.Of(user)!);

    public static async Task<IResult> PasswordAsync(HttpContext context, PeopleDirectory people, SignInDesk desk, ClaimsPrincipal user)
    {
        var (form, refused) = await SignInPages.FormAsync(context);
        if (form is null)
            return refused!;
        var (person, fresh) = (people.Of(user)!, form.Text("new"));
        if ((SignInPolicy.PasswordFault(fresh, person.Name) ?? (fresh != form.Text("again") ? "The two passwords differ." : null)) is { } fault)
            return Page(context, person, fault);
        if (!await desk.KnowsAsync(person, form.Text("password"), SignInPages.AddressOf(context), context.RequestAborted))
            return Page(context, person, Wrong);
        var hash = await desk.HashAsync(fresh, context.RequestAborted);
        return await AfterAsync(
            context, await people.SetPasswordAsync(person, hash, context.RequestAborted), "The password is changed; your other sessions are over.");
    }

    public static async Task<IResult> AddSecondFactorAsync(
        HttpContext context, PeopleDirectory people, SignInDesk desk, TimeProvider time, ClaimsPrincipal user)
    {
        var (form, refused) = await SignInPages.FormAsync(context);
        if (form is null)
            return refused!;
        var person = people.Of(user)!;
        if (person.Totp is not null || Totp.Read(form.Text("secret")) is not { } secret)
            return Page(context, person, "Begin again with the code that is shown now.");
        if (!await desk.KnowsAsync(person, form.Text("password"), SignInPages.AddressOf(context), context.RequestAborted))
            return Page(context, person, Wrong, secret);
        var code = form.Text("code").Replace(" ", "", StringComparison.Ordinal);
        if (Totp.Accept(secret, code, time.GetUtcNow(), used: 0) is not { } step)
            return Page(context, person, "That is not the code your app shows now. Is the clock of your telephone right?", secret);
        var (changed, codes) = await people.SetTotpAsync(person, secret, step, context.RequestAborted);
        return await AfterAsync(context, changed, "A code is asked for from now on.", codes);
    }

    public static async Task<IResult> RemoveSecondFactorAsync(HttpContext context, PeopleDirectory people, SignInDesk desk, ClaimsPrincipal user)
    {
        var (form, refused) = await SignInPages.FormAsync(context);
        if (form is null)
            return refused!;
        var person = people.Of(user)!;
        if (!await desk.KnowsAsync(person, form.Text("password"), SignInPages.AddressOf(context), context.RequestAborted))
            return Page(context, person, Wrong);
        return await AfterAsync(context, await people.RemoveTotpAsync(person, context.RequestAborted), "No code is asked for any more.");
    }

    public static async Task<IResult> SignOutEverywhereAsync(HttpContext context, PeopleDirectory people, ClaimsPrincipal user)
    {
        var (form, refused) = await SignInPages.FormAsync(context);
        if (form is null)
            return refused!;
        await people.EndSessionsAsync(people.Of(user)!, context.RequestAborted);
        await context.SignOutAsync(SessionCookie.Name);
        return TypedResults.LocalRedirect("/sign-in");
    }

    // This session goes on with the new stamp; the token of the next form is for it.
    private static async Task<IResult> AfterAsync(HttpContext context, Person person, string said, IReadOnlyList<string>? codes = null)
    {
        await SignInPages.BeginAsync(context, person);
        context.User = person.ToPrincipal();
        return Page(context, person, problem: null, secret: null, said, codes);
    }

    private static RazorComponentResult<AccountForm> Page(
        HttpContext context, Person person, string? problem = null, byte[]? secret = null, string? said = null, IReadOnlyList<string>? codes = null)
    {
        secret ??= RandomNumberGenerator.GetBytes(Totp.SecretSize);
        return new(new
        {
            Token = SignInPages.TokenOf(context),
            person.Name,
            Role = person.Role.ToString().ToLowerInvariant(),
            Provider = person.Account is { Issuer: var issuer } ? new Uri(issuer).Host : null,
            HasSecondFactor = person.Totp is not null,
            Left = person.RecoveryCodes.Count,
            Secret = Totp.Text(secret),
            Picture = person.Totp is null ? Picture(Totp.Address(person.Name, secret)) : "",
            Problem = problem,
            Said = said,
            Codes = codes,
        })
        {
            StatusCode = problem is null ? StatusCodes.Status200OK : StatusCodes.Status400BadRequest, PreventStreamingRendering = true,
        };
    }

    private static string Picture(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M);
        using var code = new PngByteQRCode(data);
        return "data:image/png;base64," + Convert.ToBase64String(code.GetGraphic(5));
    }
}
