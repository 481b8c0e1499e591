using System.Text.Json;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Secrets;
using Ota.Signing;

namespace Ota.Server.Dialects.Mender;

/// <summary>
/// Who a client of Mender is. It asks for a token with a request that it signs; its tenant token says what it may be: a device's own token, or the
/// dialect key of a product that enrolls so. The first key that a device shows is its key until staff hand it over.
/// </summary>
internal sealed class MenderSessions(
    Fleet fleet, DialectAuthentication authentication, ClientNotes notes, MasterSecret master, TimeProvider time)
{
    public const int MaximumSize = 16 * 1024;
    private const string Bearer = "Bearer ";
    private static readonly TimeSpan Life = TimeSpan.FromDays(1);
    private static readonly ClientDialect Dialect = ClientDialect.Mender;
    private static readonly string[] Identities = ["mac", "serial", "serialnumber", "id"];

    /// <summary>POST of a request for a token: the token, or 401 for whatever reason.</summary>
    public async Task GrantAsync(HttpContext context)
    {
        if (await BoundedBody.ReadAsync(context.Request, MaximumSize, context.RequestAborted) is not { } body)
            await Problems.WriteAsync(context, Problems.Of(413, "too-large", "The request is too large", $"This call takes at most {MaximumSize} bytes."));
        // Its token first: with a key of its own anybody can sign, and have us verify it.
        else if (Read(body.Span) is { } asked
            && Tenant(asked) is var (name, secret) && await authentication.IsGoodAsync(name, secret, Dialect, context.RequestAborted)
            && MenderSignature.SignerOf(asked.Pubkey, context.Request.Headers["X-MEN-Signature"], body.Span) is { } signer
            && await CallerOfAsync(context, name, secret, asked) is { } caller
            && (await notes.ChangeAsync(caller, note => note.Signer is null ? note with { Signer = signer } : note)).Signer == signer)
            await WriteAsync(context, caller);
        else
            await DialectAuthentication.RefuseAsync(context);
    }

    /// <summary>Whose token a request shows; null to refuse it.</summary>
    public Caller? CallerOf(HttpContext context)
    {
        if (context.Request.Headers.Authorization is not { Count: 1 } headers || headers[0] is not { Length: < 1024 } header
            || !header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            || Jws.Read(JwsKind.Session, header[Bearer.Length..].Trim(), out _) is not { } token
            || SessionIn(token.Payload) is not { Device: { } id, Exp: var expires }
            || fleet.Find(id) is not { Decommissioned: null, Client: { } client, Generation: var generation } device || client.Dialect != Dialect)
            return null;
        return Jws.VerifyHs256(token, master.SessionKey(id, generation)) && expires > time.GetUtcNow().ToUnixTimeSeconds()
            ? new Caller(device, generation)
            : null;
    }

    private static AuthRequest? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            return JsonSerializer.Deserialize(body, MenderJson.Default.AuthRequest);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static (string Name, string Secret)? Tenant(AuthRequest asked) =>
        asked.TenantToken?.Trim() is { Length: < 160 } tenant && tenant.LastIndexOf('.') is > 0 and <= 64 and var dot
            ? (tenant[..dot], tenant[(dot + 1)..])
            : null;

    private async ValueTask<Caller?> CallerOfAsync(HttpContext context, string name, string secret, AuthRequest asked) =>
        await authentication.ByTokenAsync(name, secret, Dialect, context.RequestAborted)
            ?? await authentication.ByKeyAsync(name, secret, Dialect, HardwareIdIn(asked.IdData), context);

    private static string? HardwareIdIn(string? identity)
    {
        try
        {
            var data = identity is null ? null : JsonSerializer.Deserialize(identity, MenderJson.Default.Identity);
            var said = data is null ? null : Identities.Select(name => JsonText.Of(data.GetValueOrDefault(name))).FirstOrDefault(text => text is not null);
            return EnrollmentEndpoint.HardwareIdFault(said) is null ? Adoption.Spelled(said!) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Session? SessionIn(byte[] payload)
    {
        try
        {
            return JsonSerializer.Deserialize(payload, MenderJson.Default.Session);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private async Task WriteAsync(HttpContext context, Caller caller)
    {
        var session = new Session(caller.Device.Id, (time.GetUtcNow() + Life).ToUnixTimeSeconds());
        var token = Jws.SignHs256(
            JwsKind.Session, JsonSerializer.SerializeToUtf8Bytes(session, MenderJson.Default.Session), master.SessionKey(caller.Device.Id, caller.Generation));
        context.Response.ContentType = "application/jwt";
        context.Response.ContentLength = token.Length;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsync(token, context.RequestAborted);
    }
}
