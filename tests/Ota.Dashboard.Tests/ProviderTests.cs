using Ota.Server.Tests.Running;

namespace Ota.Dashboard.Tests;

/// <summary>Signing in by OpenID Connect as a person does it: a real browser, a real provider, and the policies of both's pages.</summary>
public sealed class ProviderTests
{
    [Fact]
    public async Task A_person_signs_in_by_the_provider_sees_the_fleet_and_signs_in_again_after_signing_out()
    {
        await using var provider = await OidcProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await using var visitor = await VisitAsync(server);

        await SignInAsync(visitor, "ada");

        await visitor.ReadyAsync();
        Assert.Equal("/people", new Uri(visitor.Page.Url).AbsolutePath);
        await visitor.SeesAsync("ada of the provider");
        Assert.Equal("at the provider", await visitor.Page.Locator("td[data-label='Second factor']").InnerTextAsync());
        // Role and password are changed there, not here.
        Assert.Equal("admin", (await visitor.Page.Locator("td[data-label='Role']").First.InnerTextAsync()).Trim());
        Assert.Equal(0, await visitor.Page.Locator("button:has-text('New code')").CountAsync());
        var person = (await server.GetAsync("api/v1/people"))[0];
        Assert.Equal(("admin", "active", provider.Address), (
            person.GetProperty("role").GetString(), person.GetProperty("state").GetString(), person.GetProperty("provider").GetString()));

        await visitor.OpenAsync("account");
        await visitor.PressAsync("Sign out");
        await visitor.SeesAsync("Sign in with 127.0.0.1");
        await visitor.Page.ClickAsync("text=Sign in with 127.0.0.1");
        // The provider still knows them.
        await visitor.Page.WaitForURLAsync(visitor.Address(""));
        Assert.Equal(1, (await server.GetAsync("api/v1/people")).GetArrayLength());
    }

    [Fact]
    public async Task Who_turns_back_at_the_provider_is_told_so_at_the_door()
    {
        await using var provider = await OidcProvider.StartAsync();
        await using var server = await StartAsync(provider);
        await using var visitor = await VisitAsync(server);

        var refused = visitor.Page.WaitForResponseAsync(answer => answer.Url.Contains("/callback", StringComparison.Ordinal));
        await visitor.Page.ClickAsync("text=Cancel");

        Assert.Equal(403, (await refused).Status);
        await visitor.SeesAsync("The provider did not let you in (access_denied).");
        Assert.Equal(0, (await server.GetAsync("api/v1/people")).GetArrayLength());
        visitor.Forgive("403");
    }

    private static async Task<RunningServer> StartAsync(OidcProvider provider)
    {
        var server = await RunningServer.StartAsync(
            null, "--OidcAuthority", provider.Address, "--OidcClientId", OidcProvider.ClientId, "--OidcClientSecret", OidcProvider.Secret,
            "--OidcRoles", "ota-admins=admin");
        await provider.RegisterAsync(new Uri(server.Anyone.BaseAddress!, "sign-in/provider/callback"));
        return server;
    }

    /// <summary>Somebody who wants to see a page, and is at the provider's.</summary>
    private static async Task<AVisitor> VisitAsync(RunningServer server)
    {
        var visitor = await AVisitor.NewAsync(server);
        // The provider's pages want letters from elsewhere.
        await visitor.Page.RouteAsync(url => !url.StartsWith("http://127.0.0.1:", StringComparison.Ordinal), route => route.FulfillAsync(new() { ContentType = "text/css", Body = "" }));
        await visitor.OpenAsync("people");
        await visitor.Page.ClickAsync("text=Sign in with 127.0.0.1");
        await visitor.Page.WaitForSelectorAsync("input[name=login]");
        return visitor;
    }

    private static async Task SignInAsync(AVisitor visitor, string name)
    {
        await visitor.Page.FillAsync("input[name=login]", name);
        await visitor.Page.FillAsync("input[name=password]", "whatever");
        await visitor.Page.ClickAsync("button[type=submit]");
        await visitor.Page.ClickAsync("text=Continue");
    }
}
