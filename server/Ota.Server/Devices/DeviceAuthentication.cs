using Ota.Server.Http;
using Ota.Server.Secrets;

namespace Ota.Server.Devices;

/// <summary>Who a device is comes from its token, never from a route. By hand, as this is on the path of every check-in.</summary>
internal sealed class DeviceAuthentication(Fleet fleet, MasterSecret master)
{
    private const string Bearer = "Bearer ";

    /// <summary>The device whose token the request carries, or null.</summary>
    public Device? Authenticate(HttpRequest request)
    {
        var header = request.Headers.Authorization;
        if (header.Count != 1 || header[0] is not { Length: > 7 and < 160 } text || !text.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            return null;
        var token = text.AsSpan(Bearer.Length).Trim();
        var dot = token.IndexOf('.');
        if (dot is < 1 or > 40 || fleet.Find(token[..dot].ToString()) is not { } device)
            return null;
        return master.IsToken(token[(dot + 1)..], device.Id, device.Generation) ? device : null;
    }

    /// <summary>401, alike for an unknown device and a wrong token.</summary>
    public static Task RefuseAsync(HttpContext context)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer";
        return Problems.WriteAsync(context, Problems.Of(
            401, "device-token", "The device is not known by this token", "Keep running and ask later; if it lasts, enroll."));
    }
}
