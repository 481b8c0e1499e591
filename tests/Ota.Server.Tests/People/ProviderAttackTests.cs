using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.Tokens;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

/// <summary>What somebody tries who is not whom the provider vouches for.</summary>
public class ProviderAttackTests : AtAProvider
{
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
        Provider.Claims = claims =>
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
        Provider.Sign = attack switch
        {
            "alg none" => claims => Base64UrlEncoder.Encode("{\"alg\":\"none\",\"typ\":\"JWT\"}") + "." + Base64UrlEncoder.Encode(claims.ToJsonString()) + ".",
            "HMAC under the client's secret" => claims => AProvider.SignedBy(
                new SymmetricSecurityKey(SHA256.HashData(Encoding.UTF8.GetBytes(AProvider.Secret))), SecurityAlgorithms.HmacSha256, claims),
            "HMAC under the public key" => claims => AProvider.SignedBy(
                new SymmetricSecurityKey(RSA.Create(2048).ExportRSAPublicKey()), SecurityAlgorithms.HmacSha256, claims),
            "a stranger's signature" => Provider.SignedByAStranger,
            "a key that nobody knows" => claims => AProvider.SignedBy(
                new RsaSecurityKey(RSA.Create(2048)) { KeyId = "unknown" }, SecurityAlgorithms.RsaSha256, claims),
            "cut off" => claims => Provider.SignedWell(claims)[..^20],
            "nothing" => _ => "",
            _ => null,
        };

        await AssertRefusedAsync(told);

        // And it was that which kept them out.
        (Provider.Claims, Provider.Sign) = (_ => { }, null);
        using var ada = await SignedInAsync();
    }

    [Fact]
    public async Task Who_began_at_a_server_whose_clock_is_a_little_ahead_comes_back_to_another_one()
    {
        await using var server = await Provider.ServerAsync("--RefusedCallsPerMinute", "0");
        using var ada = new ABrowser(server);
        var back = await Provider.BackAsync(ada);
        server.Time.Ahead -= TimeSpan.FromSeconds(30);

        using var answer = await ada.Client.GetAsync(back);

        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        var far = await Provider.BackAsync(ada);
        server.Time.Ahead -= TimeSpan.FromMinutes(2);
        using var refused = await ada.Client.GetAsync(far);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task The_way_back_is_open_once_for_the_browser_that_began_and_not_for_long()
    {
        using var ada = new ABrowser(Server);
        var back = await Provider.BackAsync(ada);
        using var eve = new ABrowser(Server);
        await AssertRefusedAsync(eve, back, "not the answer to an attempt");
        var cookie = ada.Cookies.GetAllCookies().Single(cookie => cookie.Name == "ota-provider");
        using (var good = await ada.Client.GetAsync(back))
            Assert.Equal(HttpStatusCode.Redirect, good.StatusCode);

        // Its cookie is gone with the answer; who kept it has a state that was used.
        using var again = new ABrowser(Server);
        await AssertRefusedAsync(again, back, "not the answer to an attempt");
        again.Cookies.Add(new Cookie(cookie.Name, cookie.Value, cookie.Path, cookie.Domain));
        await AssertRefusedAsync(again, back, "was used already");

        var late = await Provider.BackAsync(eve);
        Server.Time.Ahead += TimeSpan.FromMinutes(16);
        await AssertRefusedAsync(eve, late, "not the answer to an attempt");
    }

    [Fact]
    public async Task A_code_or_a_state_of_another_attempt_is_worth_nothing()
    {
        using var eve = new ABrowser(Server);
        using var ada = new ABrowser(Server);
        var (hers, own) = (await Provider.BackAsync(ada), await Provider.BackAsync(eve));
        var stolen = own.Replace(Part(own, "code"), Part(hers, "code"), StringComparison.Ordinal);
        await AssertRefusedAsync(eve, stolen, "did not take its own code");

        own = await Provider.BackAsync(eve);
        await AssertRefusedAsync(eve, own.Replace(Part(own, "state"), Part(hers, "state"), StringComparison.Ordinal), "not the answer to an attempt");
        own = await Provider.BackAsync(eve);
        await AssertRefusedAsync(eve, own + "&iss=https%3A%2F%2Fid.example.com", "another provider's");
        own = await Provider.BackAsync(eve);
        await AssertRefusedAsync(eve, own + "&error=access_denied%3Cscript%3E", "did not let you in.");
        eve.Cookies.Add(new Cookie("ota-provider", "rubbish", "/sign-in/provider", "127.0.0.1"));
        await AssertRefusedAsync(eve, hers, "not the answer to an attempt");
    }

    [Fact]
    public async Task Attempts_by_the_hundred_are_turned_away_on_the_way_there_and_on_the_way_back()
    {
        await using var server = await Provider.ServerAsync("--RefusedCallsPerMinute", "2");
        using var ada = new ABrowser(server);
        var back = await Provider.BackAsync(ada);
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
            using var ada = new ABrowser(Server);
            using var answer = await Provider.SignInAsync(ada, then);
            Assert.Equal("/", answer.Headers.Location!.ToString());
        }
    }
}
