using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Server.Devices;
using Ota.Server.Limits;
using Ota.Server.Pins;

namespace Ota.Server.Dialects.Blynk;

public sealed record BlynkMessage(string Message);

/// <summary>How Blynk's HTTP API says what is wrong.</summary>
public sealed record BlynkError(BlynkMessage Error);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(BlynkError))]
[JsonSerializable(typeof(string[]))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class BlynkJson : JsonSerializerContext;

/// <summary>
/// Blynk's HTTP API of a device, <c>/external/api</c>, by the device's Blynk token. A GET that writes, and a token in the address, are the
/// contract's; no address is logged.
/// </summary>
internal static class BlynkEndpoints
{
    public const string NoToken = "Invalid token.";
    public const string TooManyWrong = "Too many wrong tokens.";
    private const string NoPin = "Wrong pin format.";

    public static void MapBlynk(this IEndpointRouteBuilder app)
    {
        var api = app.MapGroup("/external/api");
        Map(api, "/update", UpdateAsync);
        Map(api, "/batch/update", BatchAsync);
        Map(api, "/get", GetAsync);
        Map(api, "/isHardwareConnected", IsConnectedAsync);
        Map(api, "/logEvent", LogAsync);
        app.MapBlynkLegacy();
        BlynkUpdates.Map(app);
    }

    /// <summary>What a client is told of a write that was not taken.</summary>
    public static (int Status, string Reason) Told(BlynkRefusal refusal) => refusal switch
    {
        BlynkRefusal.SystemPin => (400, "This pin is written by the server."),
        BlynkRefusal.Value => (400, $"A value has at most {PinPolicy.LongestValue} bytes and no control characters."),
        BlynkRefusal.TooMany => (429, $"A device takes {PinRate.ASecond} calls a second, {PinRate.Burst} at once."),
        _ => (400, NoToken),
    };

    private static void Map(RouteGroupBuilder api, string path, Func<HttpContext, BlynkPins, Caller, Task> answer) =>
        api.MapGet(path, async (HttpContext context) =>
        {
            var services = context.RequestServices;
            var tokens = context.Request.Query["token"];
            var token = tokens.Count == 1 ? tokens[0] : null;
            if (await services.GetRequiredService<DeviceAuthentication>().AuthenticateBlynkAsync(token, context.RequestAborted)
                is { Device.Decommissioned: null } caller)
                await answer(context, services.GetRequiredService<BlynkPins>(), caller);
            else
                await RefuseStrangerAsync(context, Json, Said(NoToken), Said(TooManyWrong));
        }).ShortCircuit().ExcludeFromDescription();

    // Either pin=V1&value=a, with more than one value if need be, or v1=a.
    private static Task UpdateAsync(HttpContext context, BlynkPins pins, Caller caller)
    {
        var query = context.Request.Query;
        if (query["pin"] is not [{ } pin])
            return BatchAsync(context, pins, caller);
        return PinNumber(pin) is not { } number ? RefuseAsync(context, 400, NoPin)
            : query["value"] is not { Count: > 0 } values ? RefuseAsync(context, Told(BlynkRefusal.Value))
            : WriteAsync(context, pins, caller, [(number, string.Join(BlynkBody.Separator, [.. values]))]);
    }

    private static Task BatchAsync(HttpContext context, BlynkPins pins, Caller caller)
    {
        var writes = new List<(int, string)>();
        foreach (var (name, values) in context.Request.Query)
        {
            if (name.Equals("token", StringComparison.OrdinalIgnoreCase))
                continue;
            if (PinNumber(name) is not { } number)
                return RefuseAsync(context, 400, NoPin);
            writes.Add((number, string.Join(BlynkBody.Separator, [.. values])));
        }

        return writes.Count == 0 ? RefuseAsync(context, 400, NoPin) : WriteAsync(context, pins, caller, writes);
    }

    private static async Task WriteAsync(HttpContext context, BlynkPins pins, Caller caller, IReadOnlyList<(int, string)> writes)
    {
        if (await pins.WriteByAppAsync(caller, writes) is { } refusal)
            await RefuseAsync(context, Told(refusal));
        else
            context.Response.ContentLength = 0;
    }

    // One pin's value as it is; of several an object.
    private static async Task GetAsync(HttpContext context, BlynkPins pins, Caller caller)
    {
        var names = context.Request.Query.Keys.Where(name => !name.Equals("token", StringComparison.OrdinalIgnoreCase)).ToArray();
        if (names is ["pin" or "Pin"] && context.Request.Query["pin"] is [{ } pin])
            names = [pin];
        var numbers = names.Select(PinNumber).ToArray();
        if (numbers.Length == 0 || numbers.Any(number => number is null))
        {
            await RefuseAsync(context, 400, NoPin);
            return;
        }

        if (!pins.Line(caller.Device).Calls.TryTake(Math.Min(numbers.Length, PinRate.Burst)))
        {
            await RefuseAsync(context, Told(BlynkRefusal.TooMany));
            return;
        }

        var values = numbers.Select(number => BlynkBody.Values(pins.Read(caller.Device, number!.Value) ?? "")).ToArray();
        if (values is [[var only]])
            await AnswerAsync(context, 200, "text/plain; charset=utf-8", only);
        else if (values is [var several])
            await AnswerAsync(context, 200, Json, JsonSerializer.Serialize(several, BlynkJson.Default.StringArray));
        else
            await AnswerAsync(context, 200, Json, JsonSerializer.Serialize(Named(names, values), BlynkJson.Default.DictionaryStringJsonElement));
    }

    private static async Task IsConnectedAsync(HttpContext context, BlynkPins pins, Caller caller)
    {
        if (!pins.Line(caller.Device).Calls.TryTake())
            await RefuseAsync(context, Told(BlynkRefusal.TooMany));
        else
            await AnswerAsync(context, 200, Json, IsConnected(context, caller.Device));
    }

    private static async Task LogAsync(HttpContext context, BlynkPins pins, Caller caller)
    {
        var query = context.Request.Query;
        var (code, description) = (query["code"].ToString(), query["description"].ToString());
        if (await pins.LogAsync(caller, code, description) is { } refusal)
            await RefuseAsync(context, refusal == BlynkRefusal.Value ? (400, "An event has a code, and at most 500 characters.") : Told(refusal));
        else
            context.Response.ContentLength = 0;
    }

    /// <summary><c>true</c> or <c>false</c>.</summary>
    public static string IsConnected(HttpContext context, Device device) =>
        context.RequestServices.GetRequiredService<BlynkSessions>().IsConnected(device) ? "true" : "false";

    /// <summary>The number in V5 or v5; null when it is no virtual pin.</summary>
    public static int? PinNumber(string name) => name is ['v' or 'V', ..] ? PinPolicy.Number(name) : null;

    public const string Json = "application/json";

    public static Task AnswerAsync(HttpContext context, int status, string type, string text)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    /// <summary>400 to who has no good token; 429 where too many calls of the address were refused.</summary>
    public static Task RefuseStrangerAsync(HttpContext context, string type, string noToken, string tooMany)
    {
        if (context.RequestServices.GetRequiredService<CallLimits>().TakeRefused(context) is not { } wait)
            return AnswerAsync(context, 400, type, noToken);
        CallLimits.SetRetryAfter(context, wait);
        return AnswerAsync(context, 429, type, tooMany);
    }

    private static Dictionary<string, JsonElement> Named(string[] names, string[][] values) => names.Zip(values).ToDictionary(
        pair => pair.First,
        pair => pair.Second is [var only]
            ? JsonSerializer.SerializeToElement(only, BlynkJson.Default.String)
            : JsonSerializer.SerializeToElement(pair.Second, BlynkJson.Default.StringArray));

    private static Task RefuseAsync(HttpContext context, (int Status, string Reason) told) => RefuseAsync(context, told.Status, told.Reason);

    private static Task RefuseAsync(HttpContext context, int status, string reason)
    {
        if (status == StatusCodes.Status429TooManyRequests)
            context.Response.Headers.RetryAfter = "1";
        return AnswerAsync(context, status, Json, Said(reason));
    }

    private static string Said(string reason) => JsonSerializer.Serialize(new BlynkError(new BlynkMessage(reason)), BlynkJson.Default.BlynkError);
}
