using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Settings;
using Ota.Server.Staff;
using Ota.Server.Telemetry;

namespace Ota.Server.Limits;

/// <summary>
/// Who calls too often: a device or a staff key that is known, or an address whose calls are refused. What is known never counts on an address, so
/// that many behind one address are never held back for being many.
/// </summary>
internal sealed partial class CallLimits(ServerSettings settings, TimeProvider time, Meters meters, ILogger<CallLimits> logger)
{
    // A client may fetch an image in pieces of a few KB, one call for each.
    private const int PiecesACall = 10;

    private readonly RatePolicy? _device = Of(settings.DeviceCallsPerMinute);
    private readonly RatePolicy? _key = Of(settings.KeyCallsPerMinute);
    private readonly AddressMarks? _addresses = Of(settings.RefusedCallsPerMinute) is { } policy ? new AddressMarks(policy) : null;
    // As many as there are keys.
    private readonly ConcurrentDictionary<string, StrongBox<long>> _keys = new(StringComparer.Ordinal);
    private int _warned;

    /// <summary>The device that calls, unless it calls too often: then null, to be refused like a stranger, and <see cref="Refused"/> knows why.</summary>
    public Caller? Admit(HttpContext context, Caller? caller)
    {
        if (_device is not { } policy || caller is not { Device: var device })
            return caller;
        // Only who fetches has a range.
        var isPiece = HttpMethods.IsGet(context.Request.Method) && context.Request.Headers.Range.Count > 0;
        if (policy.Take(ref device.Calls, Now, isPiece ? policy.Interval / PiecesACall : policy.Interval) is not { } wait)
            return caller;
        Note(context, "device", wait, $"A device makes at most {settings.DeviceCallsPerMinute} calls a minute. Keep running.");
        return null;
    }

    /// <summary>Like <see cref="Admit"/>, of a connection that is no call of HTTP.</summary>
    public bool Admits(Device device)
    {
        if (_device is not { } policy || policy.Take(ref device.Calls, Now, policy.Interval) is null)
            return true;
        meters.Limited("device");
        return false;
    }

    /// <summary>False for a staff key that calls too often: refuse it like an unknown one, and <see cref="Refused"/> knows why.</summary>
    public bool AdmitsKey(HttpContext context, StaffKey key)
    {
        if (_key is not { } policy || policy.Take(ref _keys.GetOrAdd(key.Id, static _ => new StrongBox<long>()).Value, Now, policy.Interval) is not { } wait)
            return true;
        Note(context, "key", wait, $"A staff key makes at most {settings.KeyCallsPerMinute} calls a minute. Nothing was done.");
        return false;
    }

    /// <summary>What a refused call is answered: the refusal, or 429 with Retry-After in its place when there are too many.</summary>
    public ProblemHttpResult Refused(HttpContext context, ProblemHttpResult refusal)
    {
        if (context.Features.Get<Limited>() is not { } limited)
        {
            if (TakeRefused(context) is not { } wait)
                return refusal;
            limited = new Limited(
                wait, $"More than {settings.RefusedCallsPerMinute} calls a minute from this address were refused. The reason for this one: "
                + refusal.ProblemDetails.Title + ".");
        }

        SetRetryAfter(context, limited.Wait);
        return Problems.Of(429, "too-many", "Too many calls", $"{limited.Detail} Try again in {Seconds(limited.Wait)} s.");
    }

    /// <summary>As <see cref="Refused"/>, where there is no result to return.</summary>
    public static Task RefuseAsync(HttpContext context, ProblemHttpResult refusal) =>
        Problems.WriteAsync(context, context.RequestServices.GetRequiredService<CallLimits>().Refused(context, refusal));

    /// <summary>Counts a call that is refused, or that is an attempt at a secret, on its address; how long to wait when there were too many.</summary>
    public TimeSpan? TakeRefused(HttpContext context)
    {
        if (TakeRefused(context.Connection.RemoteIpAddress) is not { } wait)
            return null;
        // What a proxy that is believed said is no longer there.
        if (context.Request.Headers.ContainsKey("X-Forwarded-For") && Interlocked.Exchange(ref _warned, 1) == 0)
            Log.Proxy(logger, context.Connection.RemoteIpAddress);
        return wait;
    }

    /// <inheritdoc cref="TakeRefused(HttpContext)"/>
    public TimeSpan? TakeRefused(IPAddress? address)
    {
        if (_addresses?.Take(address, Now) is not { } wait)
            return null;
        meters.Limited("address");
        return wait;
    }

    public static void SetRetryAfter(HttpContext context, TimeSpan wait) =>
        context.Response.Headers.RetryAfter = Seconds(wait).ToString(CultureInfo.InvariantCulture);

    /// <summary>Whole seconds, at least one.</summary>
    public static long Seconds(TimeSpan wait) => Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds));

    private long Now => time.SteadyTicks();

    private static RatePolicy? Of(long callsPerMinute) => callsPerMinute == 0 ? null : RatePolicy.AMinute(callsPerMinute, (int)callsPerMinute);

    /// <summary>Why the call that is about to be refused is, and when it may come again: <see cref="Refused"/> tells it.</summary>
    public void Note(HttpContext context, string kind, TimeSpan wait, string detail)
    {
        meters.Limited(kind);
        context.Features.Set(new Limited(wait, detail));
    }

    /// <summary>Noted with a call whose caller is known and calls too often.</summary>
    private sealed record Limited(TimeSpan Wait, string Detail);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning,
            "Too many calls from {Address} are refused, and they say that they come from elsewhere. If that is your reverse proxy, name it by Proxies.")]
        public static partial void Proxy(ILogger logger, IPAddress? address);
    }
}
