using System.Net;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

/// <summary>A provider that is away, that there is not, or that cannot be set so.</summary>
public sealed class ProviderSetupTests : AtAProvider
{
    [Fact]
    public async Task A_provider_that_is_away_or_says_that_it_is_another_keeps_nobody_from_their_password()
    {
        await using var away = await Provider.ServerAsync();
        Provider.SaysIssuer = "https://id.example.com";
        await AssertUnreachableAsync(Server);
        await Provider.DisposeAsync();
        await AssertUnreachableAsync(away);

        Assert.Contains(
            $"The OpenID Connect provider {new Uri(Provider.Address).Authority} does not answer as it should: Connection refused", away.Log.Text,
            StringComparison.Ordinal);
        Provider = await AProvider.StartAsync();
    }

    [Theory]
    [InlineData("http://{0}/realms/none", "{0} does not answer as it should: HTTP 404")]
    [InlineData("https://{0}/", "{0} does not answer as it should: Cannot determine the frame size or a corrupted frame was received.")]
    [InlineData("https://nowhere.invalid/", "nowhere.invalid does not answer as it should: Name")]
    public async Task Why_a_provider_cannot_be_reached_stands_in_the_log_with_its_host_and_nothing_secret(string authority, string said)
    {
        var host = new Uri(Provider.Address).Authority;
        await using var server = await Provider.ServerAsync("--OidcAuthority", string.Format(null, authority, host));
        using var ada = new ABrowser(server);

        using var answer = await ada.Client.GetAsync("sign-in/provider");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains(string.Format(null, said, host), server.Log.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(AProvider.Secret, server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_there_is_nobody_the_door_says_how_the_first_admin_comes_about_and_asks_for_no_password()
    {
        using var ada = new ABrowser(Server);
        var fresh = await ada.Client.GetStringAsync("sign-in?then=/rollouts");
        Assert.Contains("Nobody signs in here yet.", fresh, StringComparison.Ordinal);
        Assert.Contains("href=\"/setup\"", fresh, StringComparison.Ordinal);
        Assert.Contains("href=\"/sign-in/provider?then=%2Frollouts\"", fresh, StringComparison.Ordinal);
        Assert.DoesNotContain("type=\"password\"", fresh, StringComparison.Ordinal);

        using var first = await ABrowser.OfTheFirstPersonAsync(Server);

        var settled = await ada.Client.GetStringAsync("sign-in");
        Assert.DoesNotContain("Nobody signs in here yet.", settled, StringComparison.Ordinal);
        Assert.Contains("type=\"password\"", settled, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_public_client_signs_people_in_without_a_secret_and_the_log_warns_of_it_once()
    {
        Provider.IsPublic = true;
        await using var server = await Provider.ServerAsync();
        using var ada = new ABrowser(server);
        using (var answer = await Provider.SignInAsync(ada))
            Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.True(await ada.IsSignedInAsync());
        Assert.Equal(2, server.Log.Text.Split("There is no OidcClientSecret").Length);

        // With one it is not warned of; and a provider that wants one lets nobody in without.
        Assert.DoesNotContain("There is no OidcClientSecret", Server.Log.Text, StringComparison.Ordinal);
        Provider.IsPublic = false;
        using var eve = new ABrowser(server);
        await AssertRefusedAsync(eve, await Provider.BackAsync(eve), "did not take its own code");
        Assert.Contains("invalid_client", server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_provider_there_is_no_way_to_one()
    {
        await using var server = await RunningServer.StartAsync();
        using var ada = await ABrowser.OfTheFirstPersonAsync(server);

        Assert.DoesNotContain("Sign in with", await ada.Client.GetStringAsync("sign-in"), StringComparison.Ordinal);
        using var begun = await ada.Client.GetAsync("sign-in/provider");
        using var ended = await ada.Client.GetAsync("sign-in/provider/callback?code=x&state=y");
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (begun.StatusCode, ended.StatusCode));
    }

    [Theory]
    [InlineData("OidcAuthority", "--OidcAuthority", "http://id.example.com", "--OidcClientId", "ota", "--OidcRoles", "*=viewer")]
    [InlineData("OidcAuthority", "--OidcAuthority", "https://user:secret@id.example.com", "--OidcClientId", "ota", "--OidcRoles", "*=viewer")]
    [InlineData("OidcClientId", "--OidcAuthority", "https://id.example.com", "--OidcRoles", "*=viewer")]
    [InlineData("OidcRoles", "--OidcAuthority", "https://id.example.com", "--OidcClientId", "ota")]
    [InlineData("OidcRoles", "--OidcAuthority", "https://id.example.com", "--OidcClientId", "ota", "--OidcRoles", "staff=king")]
    [InlineData("OidcRoles", "--OidcAuthority", "https://id.example.com", "--OidcClientId", "ota", "--OidcRoles", "staff=viewer,staff=admin")]
    [InlineData("OidcScopes", "--OidcAuthority", "https://id.example.com", "--OidcClientId", "ota", "--OidcRoles", "*=viewer", "--OidcScopes", "profile")]
    [InlineData("OidcClientSecretFile", "--OidcAuthority", "https://id.example.com", "--OidcClientId", "ota", "--OidcRoles", "*=viewer", "--OidcClientSecretFile", "/nowhere/secret")]
    [InlineData("OidcRoles", "--OidcRoles", "*=viewer")]
    public async Task A_setting_that_cannot_be_used_stops_the_start_with_its_name(string setting, params string[] given)
    {
        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(null, given));

        Assert.Contains(setting, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("user:secret", fault.Message, StringComparison.Ordinal);
    }

    private static async Task AssertUnreachableAsync(RunningServer server)
    {
        using var ada = await ABrowser.OfTheFirstPersonAsync(server);
        using var eve = new ABrowser(server);
        using var answer = await eve.Client.GetAsync("sign-in/provider");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Contains(
            "The provider cannot be reached. Try again later; who has a password here signs in with it meanwhile.",
            await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var again = await ada.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.Redirect, again.StatusCode);
    }
}
