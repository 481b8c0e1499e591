using System.Net;
using System.Text.RegularExpressions;

namespace Ota.Server.Tests.Running;

/// <summary>What a browser does with the plain pages: keeps cookies, and sends a form with the token that stands in it.</summary>
internal sealed partial class ABrowser : IDisposable
{
    public const string Password = "correct horse battery";

    public ABrowser(RunningServer server) => Client = new HttpClient(new HttpClientHandler { CookieContainer = Cookies, AllowAutoRedirect = false })
    {
        BaseAddress = server.Anyone.BaseAddress,
    };

    public CookieContainer Cookies { get; } = new();

    public HttpClient Client { get; }

    /// <summary>A browser in which the first person has just signed in, as an admin.</summary>
    public static async Task<ABrowser> OfTheFirstPersonAsync(RunningServer server, string name = "Ada")
    {
        var browser = new ABrowser(server);
        using var answer = await browser.SetUpAsync(server.SetupCode, name);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        return browser;
    }

    /// <summary>A browser in which a person of this role has just signed in.</summary>
    public static async Task<ABrowser> OfAsync(RunningServer server, string role)
    {
        var browser = new ABrowser(server);
        var added = await server.PostAsync("api/v1/people", new { name = role + " person", role });
        using var answer = await browser.SetUpAsync(added.GetProperty("code").GetString()!, role + " person");
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        return browser;
    }

    public Task<HttpResponseMessage> SetUpAsync(string code, string name, string password = Password) =>
        SendAsync("setup", ("code", code), ("name", name), ("password", password), ("again", password));

    public Task<HttpResponseMessage> SignInAsync(string name, string password = Password, string code = "", string then = "") =>
        SendAsync("sign-in", ("name", name), ("password", password), ("code", code), ("then", then));

    /// <summary>Opens a page that has forms, and sends one of them.</summary>
    public async Task<HttpResponseMessage> SendAsync(string path, params (string Name, string Value)[] fields) =>
        await SendToAsync(path, path, fields);

    public async Task<HttpResponseMessage> SendToAsync(string page, string path, params (string Name, string Value)[] fields)
    {
        var token = Token().Match(await Client.GetStringAsync(page)).Groups[1].Value;
        using var form = new FormUrlEncodedContent(
            fields.Append(("__RequestVerificationToken", token)).Select(field => KeyValuePair.Create(field.Item1, field.Item2)));
        return await Client.PostAsync(path, form);
    }

    /// <summary>Whether it is let in, or sent to the door.</summary>
    public async Task<bool> IsSignedInAsync()
    {
        using var answer = await Client.GetAsync("account");
        return answer.StatusCode == HttpStatusCode.OK;
    }

    public void Dispose() => Client.Dispose();

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"([^\"]+)\"")]
    private static partial Regex Token();
}
