using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Primitives;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;

namespace Ota.Server.Pins;

/// <summary>What an app wrote to a pin, for the device.</summary>
/// <param name="System">What the pin means to the agent (<c>check-now</c>); null for the application's own.</param>
public sealed record PinWrite(int Pin, string Value, string? System);

/// <param name="Seq">What to ask after next.</param>
public sealed record PinWrites(long Seq, IReadOnlyList<PinWrite> Writes);

public sealed record PinValue(string? Value);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(PinWrites))]
[JsonSerializable(typeof(PinValue))]
internal sealed partial class DevicePinJson : JsonSerializerContext
{
    /// <summary>Letters of every script as they are: escaped they would take six times the device's memory.</summary>
    public static DevicePinJson Plain => Unescaped.Context;

    // A class of its own, so that it is made after the generated half of this one.
    private static class Unescaped
    {
        public static readonly DevicePinJson Context = new(
            new JsonSerializerOptions(Default.GeneratedSerializerOptions!) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}

/// <summary>GET /agent/v1/pins and PUT /agent/v1/pins/{pin} (docs/protocol.md §8), by the device's token or its pin token.</summary>
internal static class DevicePinEndpoints
{
    /// <summary>Bytes of a body: a value of which every character is escaped, and what stands around it.</summary>
    public const int MaximumSize = 8 * 1024;

    // Some 17 KB at the worst; a device has that much memory for an answer.
    private const int MostWrites = 8;

    public static void MapDevicePins(this IEndpointRouteBuilder app)
    {
        app.MapGet("/agent/v1/pins", GetAsync).ShortCircuit().ExcludeFromDescription();
        app.MapPut("/agent/v1/pins/{pin}", PutAsync).ShortCircuit().ExcludeFromDescription();
    }

    private static async Task GetAsync(HttpContext context)
    {
        var services = context.RequestServices;
        if (await CallerAsync(context) is not var (caller, reader))
            return;
        var (device, lines) = (caller.Device, services.GetRequiredService<PinLines>());
        if (!lines.Of(device).Reads.TryTake())
        {
            await RefuseFloodAsync(context);
            return;
        }

        if (Asked.Of(context.Request.Query, out var reason) is not { } asked)
        {
            await Problems.WriteAsync(context, Problems.Invalid(reason));
            return;
        }

        var rows = await lines.NextAsync(device, reader, asked.After, asked.Wait, MostWrites, context.RequestAborted);
        if (caller.IsStale)
        {
            await DeviceAuthentication.RefuseAsync(context);
            return;
        }

        if (rows.Count == 0)
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        // Before it is told: what comes of it is to be seen after this.
        if (rows.Any(row => PinPolicy.System(row.Kept) == SystemPin.CheckNow))
            await services.GetRequiredService<SystemPinWriter>().CheckingAsync(device, CancellationToken.None);
        await AnswerAsync(context, Told(rows, services.GetRequiredService<ProductCatalog>().Find(device.Product)!.Pins));
    }

    private static PinWrites Told(IReadOnlyList<PinRow> rows, SystemPins pins)
    {
        var writes = new List<PinWrite>(rows.Count);
        foreach (var row in rows)
        {
            if (PinPolicy.Shown(row.Kept, pins) is { } number)
                writes.Add(new PinWrite(number, row.Value, PinPolicy.System(row.Kept) is { } system ? SystemPins.NameOf(system) : null));
        }

        return new PinWrites(rows[^1].Seq, writes);
    }

    private static async Task AnswerAsync(HttpContext context, PinWrites writes)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(writes, DevicePinJson.Plain.PinWrites);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private static async Task PutAsync(HttpContext context)
    {
        var services = context.RequestServices;
        if (await CallerAsync(context) is not var (caller, _))
            return;
        if (!services.GetRequiredService<PinLines>().Of(caller.Device).Writes.TryTake())
        {
            await RefuseFloodAsync(context);
            return;
        }

        var pins = services.GetRequiredService<ProductCatalog>().Find(caller.Device.Product)!.Pins;
        var (number, value, problem) = await ReadAsync(context, pins);
        if (problem is not null)
        {
            await Problems.WriteAsync(context, problem);
            return;
        }

        // Once begun it is finished, whether or not the device still listens.
        var written = await services.GetRequiredService<PinDesk>().WriteAsync(
            caller.Device, caller.Generation, number, value, PinSource.Device, who: null, CancellationToken.None);
        if (written is null)
            await DeviceAuthentication.RefuseAsync(context);
        else
            context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static async Task<(int Number, string Value, ProblemHttpResult? Problem)> ReadAsync(HttpContext context, SystemPins pins)
    {
        if (PinPolicy.Number((string)context.Request.RouteValues["pin"]!) is not { } number)
            return (0, "", Problems.Invalid($"Pins are numbered 0 to {SystemPins.Highest}."));
        if (pins.At(number) is { } system)
            return (0, "", Problems.Refused("system-pin", $"Pin {number} is the system pin {SystemPins.NameOf(system)}, which no device writes."));
        if (!JsonBody.IsJson(context.Request))
            return (0, "", JsonBody.WrongType());
        if (await BoundedBody.ReadAsync(context.Request, MaximumSize, context.RequestAborted) is not { } body)
            return (0, "", Problems.Of(413, "too-large", "The request is too large", $"A write to a pin has at most {MaximumSize} bytes."));
        try
        {
            var value = JsonSerializer.Deserialize(body.Span, DevicePinJson.Default.PinValue)?.Value;
            return PinPolicy.Fault(value) is { } fault ? (0, "", Problems.Invalid(fault)) : (number, value!, null);
        }
        catch (JsonException fault)
        {
            return (0, "", Problems.Invalid($"The body is not {{\"value\":\"…\"}}: its JSON cannot be read at '{fault.Path ?? "$"}'."));
        }
    }

    // Null when the call was refused already.
    private static async ValueTask<(Caller Caller, PinReader Reader)?> CallerAsync(HttpContext context)
    {
        var authentication = context.RequestServices.GetRequiredService<DeviceAuthentication>();
        if (await authentication.AuthenticateForPinsAsync(context.Request) is { Device.Decommissioned: null } caller)
            return (caller, PinReader.Device);
        if (await authentication.AuthenticatePinsAsync(context.Request) is { Device.Decommissioned: null } other)
            return (other, PinReader.PinToken);
        await DeviceAuthentication.RefuseAsync(context);
        return null;
    }

    private static Task RefuseFloodAsync(HttpContext context)
    {
        context.Response.Headers.RetryAfter = "1";
        return Problems.WriteAsync(context, Problems.Of(
            429, "too-many", "Too many calls", $"A device's pins take {PinRate.ASecond} calls a second, {PinRate.Burst} at once. Try again in 1 s."));
    }
}

/// <summary>Which writes are asked for, and how long may be waited for one.</summary>
internal readonly record struct Asked(long After, TimeSpan Wait)
{
    /// <summary>Null and a sentence when that cannot be asked for.</summary>
    /// <param name="after">The seq of the answer before; below 0 when it was no number.</param>
    /// <param name="wait">Seconds; below 0 when it was no number.</param>
    public static Asked? Of(long after, long wait, out string reason)
    {
        reason = after < 0 ? "after is the seq of the answer before, or 0."
            : wait is < 0 or > PinLines.LongestWait ? $"wait is 0 to {PinLines.LongestWait} seconds."
            : "";
        return reason.Length > 0 ? null : new Asked(after, TimeSpan.FromSeconds(wait));
    }

    /// <inheritdoc cref="Of(long, long, out string)"/>
    public static Asked? Of(IQueryCollection query, out string reason) => Of(Number(query["after"]), Number(query["wait"]), out reason);

    private static long Number(StringValues given) =>
        given.Count == 0 ? 0
        : given.Count == 1 && long.TryParse(given[0], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : -1;
}
