using System.Text;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.Products;
using Ota.Server.Secrets;

namespace Ota.Server.Dialects;

/// <summary>
/// Who asks in a dialect: <c>name.secret</c> in its address, or name and secret by Basic authentication. That is a device with its own token, or
/// a product with its dialect key; then the client's MAC says which device.
/// </summary>
internal sealed class DialectAuthentication(
    Fleet fleet, Database database, ProductCatalog products, Adoption adoption, AdoptionGate gate, MasterSecret master, CallLimits limits)
{
    /// <summary>Where a route has the credential.</summary>
    public const string Credential = "credential";

    private const string Basic = "Basic ";
    private const int Longest = 160;

    /// <summary>The device that asks; null to be refused, whatever the reason; also when it calls too often.</summary>
    /// <param name="dialect">The one that it asks in; its own.</param>
    /// <param name="mac">What the client calls itself; only looked at with a product's key.</param>
    public async ValueTask<Caller?> AuthenticateAsync(HttpContext context, ClientDialect dialect, string? mac)
    {
        if (Given(context) is not var (name, secret))
            return null;
        return limits.Admit(
            context,
            await ByTokenAsync(name, secret, dialect, context.RequestAborted) ?? await ByKeyAsync(name, secret, dialect, Adoption.MacOf(mac), context));
    }

    /// <summary>The device of this id, if that is its token; null to be refused.</summary>
    public async ValueTask<Caller?> ByTokenAsync(string device, string token, ClientDialect dialect, CancellationToken cancellation) =>
        ByToken(device, token, dialect) ?? (database.IsShared ? await FromElsewhereAsync(device, token, dialect, cancellation) : null);

    /// <summary>Whether this is a device's token or a product's dialect key; nobody is enrolled by asking.</summary>
    public async ValueTask<bool> IsGoodAsync(string name, string secret, ClientDialect dialect, CancellationToken cancellation) =>
        KeyOf(name, secret) is not null || await ByTokenAsync(name, secret, dialect, cancellation) is not null;

    /// <summary>The device on this hardware, if that is the product's dialect key; enrolled by that when it is new. Null to be refused.</summary>
    /// <param name="hardwareId">As <see cref="Adoption.Spelled"/>; null when the client names none.</param>
    public async ValueTask<Caller?> ByKeyAsync(string productName, string key, ClientDialect dialect, string? hardwareId, HttpContext context) =>
        KeyOf(productName, key) is { } product && hardwareId is not null
            ? await ByHardwareAsync(product, hardwareId, dialect, context)
            : null;

    /// <summary>
    /// 401, alike for an unknown device, a wrong secret and a product that enrolls nobody so; 429 for what calls too often, and to who has a product's key
    /// that has enrolled enough for now.
    /// </summary>
    public static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Basic realm=\"ota\"";
        return CallLimits.RefuseAsync(context, Problems.Of(401, "client-token", "The client is not known by this", "Keep running and ask later."));
    }

    private Product? KeyOf(string productName, string key) =>
        products.Find(productName) is { Dialects.Enrolls: true } product
        && MasterSecret.Same(key, master.DialectKey(product.Name, product.EnrollmentGeneration))
            ? product
            : null;

    private Caller? ByToken(string name, string secret, ClientDialect dialect) =>
        fleet.Find(name) is { Decommissioned: null, Client: { } client, Generation: var generation } device && client.Dialect == dialect
        && MasterSecret.IsToken(secret, master.DialectToken(name, generation))
            ? new Caller(device, generation)
            : null;

    // Adopted at another server a moment ago. Only who has a token that we would give out makes us look.
    private async Task<Caller?> FromElsewhereAsync(string name, string secret, ClientDialect dialect, CancellationToken cancellation)
    {
        if (name.Length > 32 || !MasterSecret.IsToken(secret, master.DialectToken(name, (fleet.Find(name)?.Generation ?? 0) + 1)))
            return null;
        await fleet.RenewAsync([name], cancellation);
        return ByToken(name, secret, dialect);
    }

    private async Task<Caller?> ByHardwareAsync(Product product, string hardwareId, ClientDialect dialect, HttpContext context)
    {
        // Who has an identity that is not handed over gets no other one, and takes no place of the devices that are new.
        if (fleet.FindByHardware(product.Name, hardwareId) is { HandedOver: false } known)
            return known is { Decommissioned: null, Client: { } client } && client.Dialect == dialect ? new Caller(known, known.Generation) : null;
        if (HardwareOf(product, dialect, context.Request.Query["hardware"]) is not { } hardware)
            return null;
        if (await gate.EnterAsync(product) is { } wait)
        {
            limits.Note(context, "adoption", wait, $"This key takes in {AdoptionGate.MostInAnHour} devices in an hour. Keep running.");
            return null;
        }

        // Begun, it is finished: the client asks again, and then it is there.
        var (outcome, device) = await adoption.AdoptAsync(product, hardwareId, hardware, dialect, protection: null, CancellationToken.None);
        return outcome == Adopted.Conflict ? null : new Caller(device, device.Generation);
    }

    // What the client says, else the only one that speaks this dialect.
    private static string? HardwareOf(Product product, ClientDialect dialect, string? said)
    {
        var fitting = product.Hardware.Where(hardware =>
            (dialect.Family is null || hardware.StartsWith(dialect.Family, StringComparison.Ordinal)) && (string.IsNullOrEmpty(said) || hardware == said)).ToArray();
        return fitting is [var one] ? one : null;
    }

    private static (string Name, string Secret)? Given(HttpContext context)
    {
        var text = (string?)context.Request.RouteValues[Credential];
        if (text is not null)
            return Split(text, text.LastIndexOf('.'));
        var header = context.Request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { Length: < Longest } basic || !basic.StartsWith(Basic, StringComparison.OrdinalIgnoreCase))
            return null;
        Span<byte> decoded = stackalloc byte[Longest];
        if (!Convert.TryFromBase64String(basic[Basic.Length..].Trim(), decoded, out var length))
            return null;
        var pair = Encoding.UTF8.GetString(decoded[..length]);
        return Split(pair, pair.IndexOf(':'));
    }

    private static (string Name, string Secret)? Split(string text, int at) =>
        text.Length < Longest && at is > 0 and <= 64 && at < text.Length - 1 ? (text[..at], text[(at + 1)..]) : null;
}
