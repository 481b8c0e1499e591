using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.People;

/// <summary>An OpenID Connect provider that says whatever a test wants it to. A good one of others' making stands in the browser's tests.</summary>
internal sealed class AProvider : IAsyncDisposable
{
    public const string ClientId = "ota";
    public const string Secret = "the client's secret/+:";
    private readonly ConcurrentDictionary<string, (string Challenge, string Redirect, string Nonce)> _codes = [];
    private readonly WebApplication _app;
    private RsaSecurityKey _key = NewKey();

    private AProvider(WebApplication app) => _app = app;

    public string Address { get; private set; } = "";

    /// <summary>What it names as issuer in its discovery document; null for its address.</summary>
    public string? SaysIssuer { get; set; }

    /// <summary>Changes the claims of the next id tokens.</summary>
    public Action<JsonObject> Claims { get; set; } = _ => { };

    /// <summary>Makes the id token of its claims; null for well signed.</summary>
    public Func<JsonObject, string>? Sign { get; set; }

    /// <summary>Whether the server is registered as a client that has no secret.</summary>
    public bool IsPublic { get; set; }

    public string Subject { get; set; } = "ada-1";

    public IReadOnlyList<string> Groups { get; set; } = ["ota-devs"];

    public static async Task<AProvider> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var provider = new AProvider(builder.Build());
        provider._app.MapGet("/.well-known/openid-configuration", provider.Discovery);
        provider._app.MapGet("/keys", provider.Keys);
        provider._app.MapPost("/token", (Delegate)provider.TokenAsync);
        await provider._app.StartAsync();
        provider.Address = provider._app.Urls.First();
        return provider;
    }

    /// <summary>A server that signs people in by it.</summary>
    public Task<RunningServer> ServerAsync(params string[] more) => RunningServer.StartAsync(null, Settings(more));

    /// <summary>What makes a server sign people in by it.</summary>
    public string[] Settings(params string[] more) =>
    [
        "--OidcAuthority", Address, "--OidcClientId", ClientId, .. IsPublic ? [] : (string[])["--OidcClientSecret", Secret],
        "--OidcRoles", "ota-admins=admin,ota-devs=developer,everyone=viewer", .. more,
    ];

    /// <summary>What a browser does that signs in: to the provider, and back with a code.</summary>
    public async Task<HttpResponseMessage> SignInAsync(ABrowser browser, string then = "") => await browser.Client.GetAsync(await BackAsync(browser, then));

    /// <summary>The address that a browser is sent back to, not visited yet.</summary>
    public async Task<string> BackAsync(ABrowser browser, string then = "")
    {
        using var sent = await browser.Client.GetAsync("sign-in/provider?then=" + Uri.EscapeDataString(then));
        Assert.Equal(HttpStatusCode.Redirect, sent.StatusCode);
        return Authorize(sent.Headers.Location!);
    }

    /// <summary>A new key in the old one's place.</summary>
    public void RollOver() => _key = NewKey();

    /// <summary>It answers no more.</summary>
    public Task StopAsync() => _app.StopAsync();

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    /// <summary>A token that it did not sign.</summary>
    public static string SignedBy(SecurityKey key, string algorithm, JsonObject claims) => new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }
        .CreateToken(claims.ToJsonString(), new SigningCredentials(key, algorithm));

    public string SignedWell(JsonObject claims) => SignedBy(_key, SecurityAlgorithms.RsaSha256, claims);

    /// <summary>By a key of its own that calls itself as the provider's does.</summary>
    public string SignedByAStranger(JsonObject claims) => SignedBy(new RsaSecurityKey(RSA.Create(2048)) { KeyId = _key.KeyId }, SecurityAlgorithms.RsaSha256, claims);

    private string Authorize(Uri asked)
    {
        var query = QueryHelpers.ParseQuery(asked.Query);
        Assert.StartsWith(Address + "/authorize?", asked.ToString(), StringComparison.Ordinal);
        Assert.Equal(("code", ClientId, "S256"), (query["response_type"].ToString(), query["client_id"].ToString(), query["code_challenge_method"].ToString()));
        Assert.Contains("openid", query["scope"].ToString(), StringComparison.Ordinal);
        var code = Guid.NewGuid().ToString("N");
        _codes[code] = (query["code_challenge"].ToString(), query["redirect_uri"].ToString(), query["nonce"].ToString());
        return QueryHelpers.AddQueryString(query["redirect_uri"].ToString(), new Dictionary<string, string?> { ["code"] = code, ["state"] = query["state"] });
    }

    private string Discovery() => new JsonObject
    {
        ["issuer"] = SaysIssuer ?? Address,
        ["authorization_endpoint"] = Address + "/authorize",
        ["token_endpoint"] = Address + "/token",
        ["jwks_uri"] = Address + "/keys",
        ["token_endpoint_auth_methods_supported"] = new JsonArray("client_secret_basic"),
    }.ToJsonString();

    private string Keys()
    {
        var key = _key.Rsa.ExportParameters(includePrivateParameters: false);
        return new JsonObject
        {
            ["keys"] = new JsonArray(new JsonObject
            {
                ["kty"] = "RSA", ["use"] = "sig", ["kid"] = _key.KeyId, ["n"] = Base64UrlEncoder.Encode(key.Modulus), ["e"] = Base64UrlEncoder.Encode(key.Exponent),
            }),
        }.ToJsonString();
    }

    private async Task<IResult> TokenAsync(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        var basic = Convert.ToBase64String(Encoding.ASCII.GetBytes($"{ClientId}:{Uri.EscapeDataString(Secret)}"));
        var isClient = IsPublic
            ? context.Request.Headers.Authorization.Count == 0 && form["client_id"] == ClientId && !form.ContainsKey("client_secret")
            : context.Request.Headers.Authorization == "Basic " + basic;
        if (!isClient)
            return Results.Json(new { error = "invalid_client" }, statusCode: 401);
        if (!_codes.TryGetValue(form["code"].ToString(), out var asked)
            || asked.Redirect != form["redirect_uri"]
            || asked.Challenge != Base64UrlEncoder.Encode(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()))))
            return Results.Json(new { error = "invalid_grant" }, statusCode: 400);
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        var claims = new JsonObject
        {
            ["iss"] = Address, ["aud"] = ClientId, ["sub"] = Subject, ["iat"] = now, ["exp"] = now + 300, ["nonce"] = asked.Nonce,
            ["name"] = "Ada Lovelace", ["email"] = "ada@example.com", ["email_verified"] = true,
            ["groups"] = new JsonArray([.. Groups.Select(group => (JsonNode)group)]),
        };
        Claims(claims);
        return Results.Json(new { access_token = "an-access-token", token_type = "Bearer", id_token = (Sign ?? SignedWell)(claims) });
    }

    private static RsaSecurityKey NewKey() => new(RSA.Create(2048)) { KeyId = Guid.NewGuid().ToString("N") };
}
