using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

/// <summary>Signing in by OpenID Connect, with a provider that a test can make misbehave.</summary>
public class ProviderTests : IAsyncLifetime
{
    private AProvider _provider = null!;
    private RunningServer _server = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _provider = await AProvider.StartAsync();
        _server = await _provider.ServerAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        await _provider.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Who_the_provider_vouches_for_is_in_with_the_highest_role_of_their_groups_and_stands_among_the_people()
    {
        _provider.Groups = ["everyone", "ota-devs", "knitting"];
        using var ada = new ABrowser(_server);
        Assert.Contains("Sign in with 127.0.0.1", await ada.Client.GetStringAsync("sign-in"), StringComparison.Ordinal);

        var back = await _provider.BackAsync(ada, "/rollouts");
        using var answer = await ada.Client.GetAsync(back);

        Assert.Equal((HttpStatusCode.Redirect, "/rollouts"), (answer.StatusCode, answer.Headers.Location?.ToString()));
        Assert.True(await ada.IsSignedInAsync());
        var person = (await _server.GetAsync("api/v1/people"))[0];
        Assert.Equal(("Ada Lovelace", "developer", "active", _provider.Address), (Text(person, "name"), Text(person, "role"), Text(person, "state"), Text(person, "provider")));
        Assert.Equal(
            [$"OpenID Connect person.add Ada Lovelace as developer, ada-1 of {_provider.Address}", "Ada Lovelace person.sign-in Ada Lovelace by OpenID Connect"],
            await DeedsAsync());
        Assert.Contains("which keeps your password", await ada.Client.GetStringAsync("account"), StringComparison.Ordinal);
        foreach (var secret in new[] { AProvider.Secret, Uri.EscapeDataString(AProvider.Secret), "an-access-token", Part(back, "code"), Part(back, "state") })
            Assert.DoesNotContain(secret, _server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_role_is_taken_at_each_sign_in_and_another_one_ends_the_sessions_before()
    {
        using var here = await SignedInAsync();
        _provider.Groups = ["ota-admins"];
        using var there = await SignedInAsync();

        Assert.False(await here.IsSignedInAsync());
        var people = await _server.GetAsync("api/v1/people");
        Assert.Equal((1, "admin"), (people.GetArrayLength(), Text(people[0], "role")));
        Assert.Contains("OpenID Connect person.role Ada Lovelace to admin", await DeedsAsync());
        using var again = await SignedInAsync();
        Assert.True(await there.IsSignedInAsync());
    }

    [Fact]
    public async Task A_session_ends_after_twelve_hours_however_much_it_is_used()
    {
        using var ada = await SignedInAsync();
        for (var hours = 0; hours < 11; hours += 5)
        {
            Assert.True(await ada.IsSignedInAsync());
            _server.Time.Ahead += TimeSpan.FromHours(5);
        }

        Assert.False(await ada.IsSignedInAsync());
    }

    [Fact]
    public async Task Who_is_disabled_here_stays_out_whatever_the_provider_says()
    {
        using var ada = await SignedInAsync();
        var id = Text((await _server.GetAsync("api/v1/people"))[0], "id");
        await _server.PostAsync($"api/v1/people/{id}/disable", new { });

        Assert.False(await ada.IsSignedInAsync());
        await AssertRefusedAsync("Your account here is disabled", people: 1);
    }

    [Fact]
    public async Task A_person_of_the_provider_is_given_no_password_and_no_other_role_here()
    {
        using var ada = await SignedInAsync();
        var id = Text((await _server.GetAsync("api/v1/people"))[0], "id");

        using var invited = await _server.Admin.PostAsJsonAsync($"api/v1/people/{id}/invite", new { });
        using var promoted = await _server.Admin.PutAsJsonAsync($"api/v1/people/{id}/role", new { role = "admin" });

        Assert.Equal((HttpStatusCode.Conflict, HttpStatusCode.Conflict), (invited.StatusCode, promoted.StatusCode));
        Assert.Contains("signs in with", await promoted.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var eve = new ABrowser(_server);
        using var byPassword = await eve.SignInAsync("Ada Lovelace", "");
        Assert.Equal(HttpStatusCode.BadRequest, byPassword.StatusCode);
    }

    [Fact]
    public async Task Nobody_becomes_somebody_else_by_a_name_or_an_address_for_mail()
    {
        using var local = await ABrowser.OfTheFirstPersonAsync(_server, "Ada Lovelace");
        using var first = await SignedInAsync();
        _provider.Subject = "ada-2";
        using var second = await SignedInAsync();

        var people = (await _server.GetAsync("api/v1/people")).EnumerateArray().Select(person => (Text(person, "name"), Text(person, "role"))).Order().ToArray();
        Assert.Equal([("Ada Lovelace", "admin"), ("Ada Lovelace (2)", "developer"), ("ada@example.com", "developer")], people);
        Assert.True(await local.IsSignedInAsync());
    }

    [Fact]
    public async Task The_first_person_may_come_by_the_provider_and_the_setup_code_is_void_then()
    {
        var code = _server.SetupCode;
        _provider.Groups = ["ota-admins"];
        using var ada = await SignedInAsync();

        Assert.False(File.Exists(Path.Combine(_server.Data, "setup.code")));
        using var eve = new ABrowser(_server);
        using var late = await eve.SetUpAsync(code, "Eve");
        Assert.Equal(HttpStatusCode.BadRequest, late.StatusCode);
    }

    [Theory]
    [InlineData("nonce of another attempt", "another attempt")]
    [InlineData("no nonce", "another attempt")]
    [InlineData("another audience", "another application")]
    [InlineData("several audiences for another", "lacks what a token must have")]
    [InlineData("another issuer", "another provider's")]
    [InlineData("expired", "expired")]
    [InlineData("no expiry", "not signed by it|expired")]
    [InlineData("not yet", "not good yet")]
    [InlineData("no subject", "lacks what a token must have")]
    [InlineData("alg none", "not signed by it")]
    [InlineData("HMAC under the client's secret", "not signed by it")]
    [InlineData("HMAC under the public key", "not signed by it")]
    [InlineData("a stranger's signature", "not signed by it")]
    [InlineData("a key that nobody knows", "not signed by it")]
    [InlineData("cut off", "not signed by it")]
    [InlineData("nothing", "did not take its own code")]
    public async Task A_token_that_is_not_for_this_attempt_by_this_provider_lets_nobody_in(string attack, string told)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        _provider.Claims = claims =>
        {
            switch (attack)
            {
                case "nonce of another attempt": claims["nonce"] = "another"; break;
                case "no nonce": claims.Remove("nonce"); break;
                case "another audience": claims["aud"] = "another"; break;
                case "several audiences for another": (claims["aud"], claims["azp"]) = (new JsonArray(AProvider.ClientId, "another"), "another"); break;
                case "another issuer": claims["iss"] = "https://id.example.com"; break;
                case "expired": (claims["iat"], claims["exp"]) = (now - 3600, now - 600); break;
                case "no expiry": claims.Remove("exp"); break;
                case "not yet": (claims["nbf"], claims["exp"]) = (now + 600, now + 3600); break;
                case "no subject": claims.Remove("sub"); break;
            }
        };
        _provider.Sign = attack switch
        {
            "alg none" => claims => Base64UrlEncoder.Encode("{\"alg\":\"none\",\"typ\":\"JWT\"}") + "." + Base64UrlEncoder.Encode(claims.ToJsonString()) + ".",
            "HMAC under the client's secret" => claims => AProvider.SignedBy(
                new SymmetricSecurityKey(SHA256.HashData(Encoding.UTF8.GetBytes(AProvider.Secret))), SecurityAlgorithms.HmacSha256, claims),
            "HMAC under the public key" => claims => AProvider.SignedBy(
                new SymmetricSecurityKey(RSA.Create(2048).ExportRSAPublicKey()), SecurityAlgorithms.HmacSha256, claims),
            "a stranger's signature" => _provider.SignedByAStranger,
            "a key that nobody knows" => claims => AProvider.SignedBy(
                new RsaSecurityKey(RSA.Create(2048)) { KeyId = "unknown" }, SecurityAlgorithms.RsaSha256, claims),
            "cut off" => claims => _provider.SignedWell(claims)[..^20],
            "nothing" => _ => "",
            _ => null,
        };

        await AssertRefusedAsync(told);

        // And it was that which kept them out.
        (_provider.Claims, _provider.Sign) = (_ => { }, null);
        using var ada = await SignedInAsync();
    }

    [Fact]
    public async Task Who_has_no_role_by_their_groups_is_told_so_and_is_nobody_here()
    {
        _provider.Groups = ["knitting"];

        await AssertRefusedAsync("nothing that it says of you gives you a role here");
    }

    [Fact]
    public async Task Who_comes_back_without_a_role_is_signed_out_wherever_they_had_one()
    {
        _provider.Groups = ["ota-admins"];
        using var here = await SignedInAsync();
        _provider.Groups = ["knitting"];

        await AssertRefusedAsync("nothing that it says of you gives you a role here", people: 1);

        Assert.False(await here.IsSignedInAsync());
        Assert.Contains("OpenID Connect person.sign-out Ada Lovelace has no role any more", await DeedsAsync());
    }

    [Fact]
    public async Task Who_began_at_a_server_whose_clock_is_a_little_ahead_comes_back_to_another_one()
    {
        await using var server = await _provider.ServerAsync("--RefusedCallsPerMinute", "0");
        using var ada = new ABrowser(server);
        var back = await _provider.BackAsync(ada);
        server.Time.Ahead -= TimeSpan.FromSeconds(30);

        using var answer = await ada.Client.GetAsync(back);

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        var far = await _provider.BackAsync(ada);
        server.Time.Ahead -= TimeSpan.FromMinutes(2);
        using var refused = await ada.Client.GetAsync(far);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task The_way_back_is_open_once_for_the_browser_that_began_and_not_for_long()
    {
        using var ada = new ABrowser(_server);
        var back = await _provider.BackAsync(ada);
        using var eve = new ABrowser(_server);
        await AssertRefusedAsync(eve, back, "not the answer to an attempt");
        var cookie = ada.Cookies.GetAllCookies().Single(cookie => cookie.Name == "ota-provider");
        using (var good = await ada.Client.GetAsync(back))
            Assert.Equal(HttpStatusCode.Redirect, good.StatusCode);

        // Its cookie is gone with the answer; who kept it has a state that was used.
        using var again = new ABrowser(_server);
        await AssertRefusedAsync(again, back, "not the answer to an attempt");
        again.Cookies.Add(new Cookie(cookie.Name, cookie.Value, cookie.Path, cookie.Domain));
        await AssertRefusedAsync(again, back, "was used already");

        var late = await _provider.BackAsync(eve);
        _server.Time.Ahead += TimeSpan.FromMinutes(16);
        await AssertRefusedAsync(eve, late, "not the answer to an attempt");
    }

    [Fact]
    public async Task A_code_or_a_state_of_another_attempt_is_worth_nothing()
    {
        using var eve = new ABrowser(_server);
        using var ada = new ABrowser(_server);
        var (hers, own) = (await _provider.BackAsync(ada), await _provider.BackAsync(eve));
        var stolen = own.Replace(Part(own, "code"), Part(hers, "code"), StringComparison.Ordinal);
        await AssertRefusedAsync(eve, stolen, "did not take its own code");

        own = await _provider.BackAsync(eve);
        await AssertRefusedAsync(eve, own.Replace(Part(own, "state"), Part(hers, "state"), StringComparison.Ordinal), "not the answer to an attempt");
        own = await _provider.BackAsync(eve);
        await AssertRefusedAsync(eve, own + "&iss=https%3A%2F%2Fid.example.com", "another provider's");
        own = await _provider.BackAsync(eve);
        await AssertRefusedAsync(eve, own + "&error=access_denied%3Cscript%3E", "did not let you in.");
        eve.Cookies.Add(new Cookie("ota-provider", "rubbish", "/sign-in/provider", "127.0.0.1"));
        await AssertRefusedAsync(eve, hers, "not the answer to an attempt");
    }

    [Fact]
    public async Task When_the_provider_rolls_its_keys_over_the_next_to_sign_in_does_not_notice()
    {
        using var before = await SignedInAsync();
        _provider.RollOver();

        using var after = await SignedInAsync();

        Assert.True(await before.IsSignedInAsync());
    }

    [Fact]
    public async Task A_provider_that_is_away_or_says_that_it_is_another_keeps_nobody_from_their_password()
    {
        _provider.SaysIssuer = "https://id.example.com";
        using var ada = await ABrowser.OfTheFirstPersonAsync(_server);
        foreach (var away in new[] { false, true })
        {
            if (away)
                await _provider.DisposeAsync();
            using var eve = new ABrowser(_server);
            using var answer = await eve.Client.GetAsync("sign-in/provider");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Contains("The provider cannot be reached", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        using var again = await ada.SignInAsync("Ada");
        Assert.Equal(HttpStatusCode.Redirect, again.StatusCode);
        _provider = await AProvider.StartAsync();
    }

    [Fact]
    public async Task Attempts_by_the_hundred_are_turned_away_on_the_way_there_and_on_the_way_back()
    {
        await using var server = await _provider.ServerAsync("--RefusedCallsPerMinute", "2");
        using var ada = new ABrowser(server);
        var back = await _provider.BackAsync(ada);
        using (var refused = await ada.Client.GetAsync(back + "x&state=y"))
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);

        foreach (var path in new[] { "sign-in/provider", back })
        {
            using var answer = await ada.Client.GetAsync(path);
            Assert.Equal((HttpStatusCode.TooManyRequests, true), (answer.StatusCode, answer.Headers.RetryAfter is not null));
        }
    }

    [Fact]
    public async Task Nobody_is_led_elsewhere_after_signing_in()
    {
        foreach (var then in new[] { "//evil.example/", "https://evil.example/", "/\\evil.example" })
        {
            using var ada = new ABrowser(_server);
            using var answer = await _provider.SignInAsync(ada, then);
            Assert.Equal("/", answer.Headers.Location!.ToString());
        }
    }

    [Fact]
    public async Task A_role_by_an_address_for_mail_needs_one_that_the_provider_verified()
    {
        await using var server = await _provider.ServerAsync("--OidcRoleClaim", "email", "--OidcRoles", "ada@example.com=admin");
        using var ada = new ABrowser(server);
        _provider.Claims = claims => claims["email_verified"] = false;
        using var typed = await _provider.SignInAsync(ada);
        Assert.Equal(HttpStatusCode.Forbidden, typed.StatusCode);

        _provider.Claims = _ => { };
        using var verified = await _provider.SignInAsync(ada);
        Assert.Equal(HttpStatusCode.Redirect, verified.StatusCode);
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

    private async Task<ABrowser> SignedInAsync()
    {
        var browser = new ABrowser(_server);
        using var answer = await _provider.SignInAsync(browser);
        Assert.True(answer.StatusCode == HttpStatusCode.Redirect, await answer.Content.ReadAsStringAsync());
        Assert.True(await browser.IsSignedInAsync());
        return browser;
    }

    private async Task AssertRefusedAsync(string told, int people = 0)
    {
        using var browser = new ABrowser(_server);
        await AssertRefusedAsync(browser, await _provider.BackAsync(browser), told);
        Assert.Equal(people, (await _server.GetAsync("api/v1/people")).GetArrayLength());
    }

    private static async Task AssertRefusedAsync(ABrowser browser, string back, string told)
    {
        using var answer = await browser.Client.GetAsync(back);
        var page = WebUtility.HtmlDecode(await answer.Content.ReadAsStringAsync());
        Assert.True(answer.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest, $"{answer.StatusCode} {page}");
        Assert.True(told.Split('|').Any(one => page.Contains(one, StringComparison.Ordinal)), page);
        Assert.DoesNotContain(browser.Cookies.GetAllCookies(), cookie => cookie.Name == "ota-session");
        Assert.False(await browser.IsSignedInAsync());
    }

    private async Task<string[]> DeedsAsync() =>
    [
        .. (await _server.GetAsync("api/v1/audit")).EnumerateArray().Where(entry => Text(entry, "action").StartsWith("person.", StringComparison.Ordinal))
            .Select(entry => $"{Text(entry, "who")} {Text(entry, "action")} {Text(entry, "subject")} {Text(entry, "detail")}").Order(StringComparer.Ordinal).Reverse(),
    ];

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString() ?? "";

    private static string Part(string address, string name) =>
        Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(new Uri(address).Query)[name].ToString();
}
