using System.Net;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

/// <summary>A server on which people sign in by OpenID Connect, with a provider that a test can make misbehave.</summary>
public abstract class AtAProvider : IAsyncLifetime
{
    private protected AProvider Provider { get; set; } = null!;

    private protected RunningServer Server { get; private set; } = null!;

    public virtual async ValueTask InitializeAsync()
    {
        Provider = await AProvider.StartAsync();
        Server = await Provider.ServerAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Provider.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected async Task<ABrowser> SignedInAsync()
    {
        var browser = new ABrowser(Server);
        using var answer = await Provider.SignInAsync(browser);
        Assert.True(answer.StatusCode == HttpStatusCode.Redirect, await answer.Content.ReadAsStringAsync());
        Assert.True(await browser.IsSignedInAsync());
        return browser;
    }

    private protected async Task AssertRefusedAsync(string told, int people = 0)
    {
        using var browser = new ABrowser(Server);
        await AssertRefusedAsync(browser, await Provider.BackAsync(browser), told);
        Assert.Equal(people, (await Server.GetAsync("api/v1/people")).GetArrayLength());
    }

    private protected static async Task AssertRefusedAsync(ABrowser browser, string back, string told)
    {
        using var answer = await browser.Client.GetAsync(back);
        var page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync());
        Assert.True(answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest, $"{answer.StatusCode} {page}");
        Assert.True(told.Split('|').Any(one => page.Contains(one, StringComparison.Ordinal)), page);
        Assert.DoesNotContain(browser.Cookies.GetAllCookies(), cookie => cookie.Name == "ota-session");
        Assert.False(await browser.IsSignedInAsync());
    }

    private protected static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";

    private protected static string Part(string address, string name) =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(new Uri(address).Query)[name].ToString();
}
