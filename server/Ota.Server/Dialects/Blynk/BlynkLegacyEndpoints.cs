using System.Text.Json;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Pins;

namespace Ota.Server.Dialects.Blynk;

/// <summary>
/// Blynk's HTTP API as it was before, with the device's token as the first part of the path. Its routes end in words of their own, and the token is
/// whatever nobody else's route begins with, so they stand in nobody's way.
/// </summary>
internal static class BlynkLegacyEndpoints
{
    private const int LongestBody = 8 * 1024;
    private const string Plain = "text/plain; charset=utf-8";
    private const string NoPin = "Wrong pin format.";
    private const string NoValue = "Wrong value format.";

    public static void MapBlynkLegacy(this IEndpointRouteBuilder app)
    {
        app.MapGet("/{token}/update/{pin}", UpdateAsync).ShortCircuit().ExcludeFromDescription();
        app.MapPut("/{token}/update/{pin}", PutAsync).ShortCircuit().ExcludeFromDescription();
        app.MapGet("/{token}/get/{pin}", GetAsync).ShortCircuit().ExcludeFromDescription();
        app.MapGet("/{token}/isHardwareConnected", IsConnectedAsync).ShortCircuit().ExcludeFromDescription();
    }

    private static Task UpdateAsync(HttpContext context) =>
        WithPinAsync(context, (caller, number) => WriteAsync(context, caller, number, [.. context.Request.Query["value"]]));

    private static Task PutAsync(HttpContext context) =>
        WithPinAsync(context, async (caller, number) => await WriteAsync(context, caller, number, await ValuesAsync(context)));

    private static Task GetAsync(HttpContext context) => WithPinAsync(context, (caller, number) =>
    {
        var pins = context.RequestServices.GetRequiredService<BlynkPins>();
        if (!pins.Line(caller.Device).Calls.TryTake())
            return RefuseAsync(context, BlynkRefusal.TooMany);
        return pins.Read(caller.Device, number) is { } value
            ? BlynkEndpoints.AnswerAsync(
                context, 200, BlynkEndpoints.Json, JsonSerializer.Serialize(BlynkBody.Values(value), BlynkJson.Default.StringArray))
            : RefuseAsync(context, 400, "Requested pin doesn't exist in the app.");
    });

    private static async Task IsConnectedAsync(HttpContext context)
    {
        if (await CallerAsync(context) is not { } caller)
            await BlynkEndpoints.RefuseStrangerAsync(context, Plain, BlynkEndpoints.NoToken, BlynkEndpoints.TooManyWrong);
        else if (!context.RequestServices.GetRequiredService<BlynkPins>().Line(caller.Device).Calls.TryTake())
            await RefuseAsync(context, BlynkRefusal.TooMany);
        else
            await BlynkEndpoints.AnswerAsync(context, 200, BlynkEndpoints.Json, BlynkEndpoints.IsConnected(context, caller.Device));
    }

    private static async Task WithPinAsync(HttpContext context, Func<Caller, int, Task> answer)
    {
        if (await CallerAsync(context) is not { } caller)
            await BlynkEndpoints.RefuseStrangerAsync(context, Plain, BlynkEndpoints.NoToken, BlynkEndpoints.TooManyWrong);
        else if (BlynkEndpoints.PinNumber((string)context.Request.RouteValues["pin"]!) is not { } number)
            await RefuseAsync(context, 400, NoPin);
        else
            await answer(caller, number);
    }

    private static async ValueTask<Caller?> CallerAsync(HttpContext context) =>
        await context.RequestServices.GetRequiredService<DeviceAuthentication>()
            .AuthenticateBlynkAsync((string)context.Request.RouteValues["token"]!, context.RequestAborted) is { Device.Decommissioned: null } caller
            ? caller
            : null;

    private static async Task WriteAsync(HttpContext context, Caller caller, int number, string?[]? values)
    {
        if (values is not { Length: > 0 })
            await RefuseAsync(context, 400, NoValue);
        else if (await context.RequestServices.GetRequiredService<BlynkPins>()
            .WriteByAppAsync(caller, [(number, string.Join(BlynkBody.Separator, values))]) is { } refusal)
            await RefuseAsync(context, refusal);
        else
            context.Response.ContentLength = 0;
    }

    // ["a"], or several; numbers may stand there as they are. Null when it is something else.
    private static async Task<string?[]?> ValuesAsync(HttpContext context)
    {
        if (await BoundedBody.ReadAsync(context.Request, LongestBody, context.RequestAborted) is not { } body)
            return null;
        try
        {
            using var json = JsonDocument.Parse(body);
            var values = json.RootElement.ValueKind == JsonValueKind.Array ? json.RootElement.EnumerateArray().ToArray() : [];
            return values.All(value => value.ValueKind is JsonValueKind.String or JsonValueKind.Number)
                ? Array.ConvertAll<JsonElement, string?>(values, value => value.ToString())
                : null;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // The second is half of a letter, escaped.
            return null;
        }
    }

    private static Task RefuseAsync(HttpContext context, BlynkRefusal refusal)
    {
        var (status, reason) = BlynkEndpoints.Told(refusal);
        return RefuseAsync(context, status, reason);
    }

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        if (status == StatusCodes.Status429TooManyRequests)
            context.Response.Headers.RetryAfter = "1";
        return BlynkEndpoints.AnswerAsync(context, status, Plain, reason);
    }
}
