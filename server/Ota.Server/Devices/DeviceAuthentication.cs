using Ota.Server.Data;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.Secrets;

namespace Ota.Server.Devices;

/// <summary>A device's token in one generation.</summary>
internal sealed record DeviceToken(long Generation, byte[] Bytes);

/// <summary>
/// A device that calls, and the generation its token proves. Once the hardware has enrolled anew the call is a former owner's: whoever
/// acts on it checks again under the device's lock.
/// </summary>
internal readonly record struct Caller(Device Device, long Generation)
{
    public bool IsStale => Device.Generation != Generation;
}

/// <summary>Who a device is comes from its token, never from a route. By hand, as this is on the path of every check-in.</summary>
internal sealed class DeviceAuthentication(Fleet fleet, Database database, MasterSecret master, CallLimits limits)
{
    private const string Bearer = "Bearer ";

    /// <summary>The device whose token the request carries; null when there is none, or it calls too often.</summary>
    public ValueTask<Caller?> AuthenticateAsync(HttpRequest request)
    {
        var known = AuthenticateAsync(request, Opens.Everything);
        return known.IsCompletedSuccessfully ? new(limits.Admit(request.HttpContext, known.Result)) : new(AdmittedAsync(request, known));
    }

    /// <summary>
    /// The device whose token the request carries, for a call about its pins, or null. Those have rates of their own: who has only a pin token must not
    /// use up the device's calls.
    /// </summary>
    public ValueTask<Caller?> AuthenticateForPinsAsync(HttpRequest request) => AuthenticateAsync(request, Opens.Everything);

    /// <summary>The device whose pin token the request carries, or null. It opens the calls about pins and no others.</summary>
    public ValueTask<Caller?> AuthenticatePinsAsync(HttpRequest request) => AuthenticateAsync(request, Opens.Pins);

    /// <summary>The device whose Blynk token this is, or null. Like the pin token it opens what is about pins and nothing else.</summary>
    public ValueTask<Caller?> AuthenticateBlynkAsync(string? token, CancellationToken cancellation) =>
        BlynkToken.DeviceOf(token) is { } id ? AuthenticateAsync(id, token.AsMemory(), Opens.PinsByBlynk, cancellation) : default;

    private async Task<Caller?> AdmittedAsync(HttpRequest request, ValueTask<Caller?> known) => limits.Admit(request.HttpContext, await known);

    private ValueTask<Caller?> AuthenticateAsync(HttpRequest request, Opens opens)
    {
        var header = request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { Length: > 7 and < 160 } text || !text.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return default;
        var credentials = text.AsMemory(Bearer.Length).Trim();
        var dot = credentials.Span.IndexOf('.');
        if (dot is < 1 or > 40)
            return default;
        return AuthenticateAsync(credentials[..dot].ToString(), credentials[(dot + 1)..], opens, request.HttpContext.RequestAborted);
    }

    private ValueTask<Caller?> AuthenticateAsync(string id, ReadOnlyMemory<char> token, Opens opens, CancellationToken cancellation) =>
        Known(id, token.Span, opens) is { } caller ? new(caller)
        : database.IsShared ? new(FromElsewhereAsync(id, token, opens, cancellation))
        : default;

    private Caller? Known(string id, ReadOnlySpan<char> token, Opens opens) =>
        fleet.Find(id) is { } device && TokenOf(device, opens) is var good && Fits(token, good.Bytes, opens)
            ? new Caller(device, good.Generation)
            : null;

    // It enrolled at another server a moment ago. Only who has a token that we would give out makes us look.
    private async Task<Caller?> FromElsewhereAsync(string id, ReadOnlyMemory<char> token, Opens opens, CancellationToken cancellation)
    {
        var next = (fleet.Find(id)?.Generation ?? 0) + 1;
        if (!Fits(token.Span, Bytes(id, next, opens), opens))
            return Known(id, token.Span, opens); // Unless it was taken over between the two looks.
        await fleet.RenewAsync([id], cancellation);
        return Known(id, token.Span, opens);
    }

    // Derived once and kept in memory, which holds the master secret as well; deriving it for each call cost a tenth of a check-in.
    private DeviceToken TokenOf(Device device, Opens opens)
    {
        var generation = device.Generation;
        if (opens != Opens.Everything)
            return new DeviceToken(generation, Bytes(device.Id, generation, opens));
        if (device.Token is { } known && known.Generation == generation)
            return known;
        var token = new DeviceToken(generation, Bytes(device.Id, generation, opens));
        device.Token = token;
        return token;
    }

    private byte[] Bytes(string id, long generation, Opens opens) => opens switch
    {
        Opens.Pins => master.PinToken(id, generation),
        Opens.PinsByBlynk => master.BlynkSecret(id, generation),
        _ => master.Token(id, generation),
    };

    private static bool Fits(ReadOnlySpan<char> given, ReadOnlySpan<byte> bytes, Opens opens) =>
        opens == Opens.PinsByBlynk ? BlynkToken.Holds(given, bytes) : MasterSecret.IsToken(given, bytes);

    /// <summary>401, alike for an unknown device and a wrong token; 429 for what calls too often.</summary>
    public static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return CallLimits.RefuseAsync(context, Problems.Of(
            401, "device-token", "The device is not known by this token", "Keep running and ask later; if it lasts, enroll."));
    }

    /// <summary>What a token is good for.</summary>
    private enum Opens
    {
        Everything,
        Pins,
        PinsByBlynk,
    }
}
