using System.IdentityModel.Tokens.Jwt;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Claims;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using Ota.Server.Limits;
using Ota.Server.Settings;

namespace Ota.Server.People.Provider;

/// <summary>Whom the provider says somebody is; or why that is not believed, for that person, and with which HTTP status.</summary>
internal sealed record Redeemed(ClaimsIdentity? Claims, string? Fault, int Status = StatusCodes.Status403Forbidden);

/// <summary>
/// Asks an OpenID Connect provider who somebody is: authorization code with PKCE. The discovery document, the keys and their rollover, and every check
/// of an id token are the identity model libraries'.
/// </summary>
internal sealed partial class IdentityProvider : IDisposable
{
    /// <summary>What a person reads while the provider is away.</summary>
    public const string CannotBeReached = "The provider cannot be reached. Try again later; who has a password here signs in with it meanwhile.";

    private const int LongestAnswer = 256 * 1024;
    private const int LongestCause = 300;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Signed by the provider's private key: never "none", and never a secret that others know.
    private static readonly string[] Algorithms =
    [
        SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512,
        SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.RsaSsaPssSha384, SecurityAlgorithms.RsaSsaPssSha512,
        SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384, SecurityAlgorithms.EcdsaSha512,
    ];

    private readonly ProviderSettings _settings;
    private readonly TimeProvider _time;
    private readonly ILogger<IdentityProvider> _logger;
    private readonly HttpClient _client;
    private readonly HttpDocumentRetriever _documents;
    private readonly ConfigurationManager<OpenIdConnectConfiguration> _configuration;
    private readonly JsonWebTokenHandler _tokens = new() { MapInboundClaims = false };
    private readonly OpenIdConnectProtocolValidator _protocol = new() { RequireStateValidation = false, RequireTimeStampInNonce = false };

    // Whoever has a token by an unknown key makes us look for a new one, but not at every token.
    private readonly RatePolicy _newKeys = RatePolicy.AMinute(2, burst: 2);
    private long _newKeysMark;

    public IdentityProvider(ProviderSettings settings, TimeProvider time, ILogger<IdentityProvider> logger)
    {
        (_settings, _time, _logger) = (settings, time, logger);
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(2) })
        {
            Timeout = Patience,
            MaxResponseContentBufferSize = LongestAnswer,
        };
        _documents = new HttpDocumentRetriever(_client) { RequireHttps = settings.Authority.Scheme == Uri.UriSchemeHttps };
        _configuration = new ConfigurationManager<OpenIdConnectConfiguration>(
            settings.Authority.OriginalString.TrimEnd('/') + "/.well-known/openid-configuration", new OpenIdConnectConfigurationRetriever(), _documents);
    }

    /// <summary>Where the browser goes; null when the provider does not say.</summary>
    public async Task<string?> AddressAsync(ProviderState state, CancellationToken cancellation) =>
        await ConfigurationAsync(cancellation) is { } found ? QueryHelpers.AddQueryString(found.AuthorizationEndpoint, Asked(state)) : null;

    /// <summary>Redeems the code that a browser came back with.</summary>
    /// <param name="issuer">Who sent it back, if the provider says so (RFC 9207).</param>
    public async Task<Redeemed> RedeemAsync(string code, string? issuer, ProviderState state, CancellationToken cancellation)
    {
        if (await ConfigurationAsync(cancellation) is not { } found)
            return Unreachable();
        if (issuer is not null && issuer != found.Issuer)
            return Disbelieved("issuer", "The answer is another provider's.");
        OpenIdConnectMessage? answer;
        try
        {
            answer = await TokensAsync(found, code, state, cancellation);
        }
        catch (Exception fault) when (fault is HttpRequestException or SocketException || (fault is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            Log.Unreachable(_logger, _settings.Authority.Authority, CauseOf(fault));
            return Unreachable();
        }

        if (answer?.IdToken is not { Length: > 0 and < LongestAnswer } idToken)
        {
            return Disbelieved(
                answer?.Error is { Length: > 0 and < 100 } error && error.All(IsPlain) ? error : "no id token",
                "The provider did not take its own code. It may have been used, or be too old.");
        }

        return await ProvedAsync(idToken, answer, found, state, cancellation);
    }

    public void Dispose() => _client.Dispose();

    private Dictionary<string, string?> Asked(ProviderState state) => new()
    {
        ["response_type"] = "code",
        ["client_id"] = _settings.ClientId,
        ["redirect_uri"] = state.Redirect,
        ["scope"] = _settings.Scopes,
        ["state"] = state.State,
        ["nonce"] = state.Nonce,
        ["code_challenge"] = state.Challenge,
        ["code_challenge_method"] = "S256",
    };

    private async Task<Redeemed> ProvedAsync(
        string idToken, OpenIdConnectMessage answer, OpenIdConnectConfiguration found, ProviderState state, CancellationToken cancellation)
    {
        var result = await ValidateAsync(idToken, found);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException
            && _newKeys.Take(ref _newKeysMark, _time.SteadyTicks(), _newKeys.Interval) is null
            && await AnewAsync(cancellation) is { } renewed)
            result = await ValidateAsync(idToken, renewed);
        if (!result.IsValid)
        {
            return result.Exception switch
            {
                SecurityTokenExpiredException or SecurityTokenNotYetValidException =>
                    Disbelieved("lifetime", "Its token is expired, or not good yet. Is the clock of this server right?"),
                SecurityTokenInvalidAudienceException => Disbelieved("audience", "Its token is for another application."),
                SecurityTokenInvalidIssuerException => Disbelieved("issuer", "Its token is another provider's."),
                _ => Disbelieved(result.Exception?.GetType().Name ?? "token", "Its token is not signed by it."),
            };
        }

        try
        {
            _protocol.ValidateTokenResponse(new OpenIdConnectProtocolValidationContext
            {
                ClientId = _settings.ClientId, Nonce = state.Nonce, ProtocolMessage = answer, ValidatedIdToken = new JwtSecurityToken(idToken),
            });
        }
        catch (OpenIdConnectProtocolInvalidNonceException)
        {
            return Disbelieved("nonce", "Its token was made for another attempt to sign in.");
        }
        catch (OpenIdConnectProtocolException fault)
        {
            return Disbelieved(fault.GetType().Name, "Its token lacks what a token must have.");
        }

        return new Redeemed(result.ClaimsIdentity, Fault: null);
    }

    private Task<TokenValidationResult> ValidateAsync(string idToken, OpenIdConnectConfiguration found) =>
        _tokens.ValidateTokenAsync(idToken, new TokenValidationParameters
        {
            ValidIssuer = found.Issuer,
            ValidAudience = _settings.ClientId,
            IssuerSigningKeys = found.SigningKeys,
            ValidAlgorithms = Algorithms,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            ClockSkew = TimeSpan.FromMinutes(1),
        });

    private async Task<OpenIdConnectMessage?> TokensAsync(OpenIdConnectConfiguration found, string code, ProviderState state, CancellationToken cancellation)
    {
        var form = new Dictionary<string, string>
        {
            ["grant_type"] = "authorization_code", ["code"] = code, ["redirect_uri"] = state.Redirect, ["code_verifier"] = state.Verifier,
        };
        using var request = new HttpRequestMessage(HttpMethod.Post, found.TokenEndpoint);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        var ways = found.TokenEndpointAuthMethodsSupported;
        if (_settings.ClientSecret is { } secret && (ways.Count == 0 || ways.Contains("client_secret_basic")))
        {
            // Each is encoded before they are joined (RFC 6749 §2.3.1).
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Basic", Convert.ToBase64String(Encoding.ASCII.GetBytes($"{Uri.EscapeDataString(_settings.ClientId)}:{Uri.EscapeDataString(secret)}")));
        }
        else
        {
            form["client_id"] = _settings.ClientId;
            if (_settings.ClientSecret is not null)
                form["client_secret"] = _settings.ClientSecret;
        }

        request.Content = new FormUrlEncodedContent(form);
        using var answer = await _client.SendAsync(request, cancellation);
        try
        {
            return new OpenIdConnectMessage(await answer.Content.ReadAsStringAsync(cancellation));
        }
        catch (Exception fault) when (fault is ArgumentException or System.Text.Json.JsonException)
        {
            return null;
        }
    }

    private async Task<OpenIdConnectConfiguration?> ConfigurationAsync(CancellationToken cancellation)
    {
        try
        {
            return Usable(await _configuration.GetConfigurationAsync(cancellation));
        }
        catch (InvalidOperationException fault)
        {
            Log.Unreachable(_logger, _settings.Authority.Authority, CauseOf(fault));
            return null;
        }
    }

    // The manager renews what it keeps behind the calls; this one needs the new keys now.
    private async Task<OpenIdConnectConfiguration?> AnewAsync(CancellationToken cancellation)
    {
        _configuration.RequestRefresh();
        try
        {
            return Usable(await OpenIdConnectConfigurationRetriever.GetAsync(_configuration.MetadataAddress, _documents, cancellation));
        }
        catch (Exception fault) when (fault is IOException or HttpRequestException or SocketException or InvalidOperationException or ArgumentException)
        {
            Log.Unreachable(_logger, _settings.Authority.Authority, CauseOf(fault));
            return null;
        }
    }

    private OpenIdConnectConfiguration? Usable(OpenIdConnectConfiguration found)
    {
        if (found.Issuer?.TrimEnd('/') == _settings.Authority.OriginalString.TrimEnd('/')
            && new[] { found.AuthorizationEndpoint, found.TokenEndpoint }.All(
                endpoint => Uri.TryCreate(endpoint, UriKind.Absolute, out var address) && ProviderSettings.IsSafe(address)))
            return found;
        Log.Unusable(_logger, _settings.Authority);
        // Or it would be kept for half a day.
        _configuration.RequestRefresh();
        return null;
    }

    // The innermost says it: that no name was found, nobody listens, or a certificate is not believed. It may repeat what a stranger sent.
    private static string CauseOf(Exception fault)
    {
        var cause = fault;
        while (cause is not TimeoutException && cause.InnerException is { } inner)
            cause = inner;
        return cause is TimeoutException ? $"no answer within {Patience.TotalSeconds:0} s"
            : cause.Data[HttpDocumentRetriever.StatusCode] is HttpStatusCode status ? $"HTTP {(int)status}"
            : string.Concat(cause.Message.Take(LongestCause).Select(c => char.IsControl(c) ? ' ' : c));
    }

    private static Redeemed Unreachable() => new(Claims: null, CannotBeReached, StatusCodes.Status503ServiceUnavailable);

    private Redeemed Disbelieved(string reason, string told)
    {
        Log.Disbelieved(_logger, reason);
        return new Redeemed(Claims: null, "The provider's answer is not believed. " + told);
    }

    private static bool IsPlain(char c) => char.IsAsciiLetterOrDigit(c) || c is '_' or '-';

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The OpenID Connect provider {Provider} does not answer as it should: {Cause}")]
        public static partial void Unreachable(ILogger logger, string provider, string cause);

        [LoggerMessage(2, LogLevel.Warning, "An answer of the OpenID Connect provider is not believed ({Reason}).")]
        public static partial void Disbelieved(ILogger logger, string reason);

        [LoggerMessage(3, LogLevel.Error,
            "What the OpenID Connect provider {Authority} says of itself cannot be used: another issuer than setting OidcAuthority, or an address without https.")]
        public static partial void Unusable(ILogger logger, Uri authority);
    }
}
