using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Secrets;

namespace Ota.Server.CheckIns;

/// <summary>What a check-in is answered with 200 (docs/protocol.md §3.2).</summary>
public sealed record CheckInAnswer(string Order, string? Release, string? Image);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CheckInAnswer))]
internal sealed partial class CheckInAnswerJson : JsonSerializerContext;

/// <summary>POST /agent/v1/check-in, written against the request and not through binding: it is the path of every device, every night.</summary>
internal static class CheckInEndpoint
{
    public static async Task CheckInAsync(HttpContext context)
    {
        var services = context.RequestServices;
        if (await services.GetRequiredService<DeviceAuthentication>().AuthenticateAsync(context.Request) is not { } caller)
        {
            await DeviceAuthentication.RefuseAsync(context);
            return;
        }

        if (!JsonBody.IsJson(context.Request))
        {
            await Problems.WriteAsync(context, JsonBody.WrongType());
            return;
        }

        if (await BoundedBody.ReadAsync(context.Request, CheckIn.MaximumSize, context.RequestAborted) is not { } body)
        {
            await Problems.WriteAsync(context, Problems.Of(
                413, "too-large", "The request is too large", $"A check-in has at most {CheckIn.MaximumSize} bytes."));
            return;
        }

        if (CheckIn.Read(body.Span, caller.Device.Heard?.CheckIn, out var reason) is not { } checkIn)
        {
            await Problems.WriteAsync(context, Problems.Invalid(reason));
            return;
        }

        var flow = services.GetRequiredService<CheckInFlow>();
        if (flow.Hold(caller, checkIn) is { } wait)
        {
            Hold(context.Response, wait);
            return;
        }

        // Once begun a decision is finished, whether or not the device still listens.
        if (await flow.DecideAsync(caller, checkIn, CancellationToken.None) is not { } decision)
        {
            await DeviceAuthentication.RefuseAsync(context);
            return;
        }

        if (decision.Order is not { } order)
        {
            Hold(context.Response, decision.RetryAfter);
            return;
        }

        context.Response.StatusCode = decision.IsGone ? StatusCodes.Status410Gone : StatusCodes.Status200OK;
        RetryAfter(context.Response, decision.RetryAfter);
        context.Response.ContentType = "application/json";
        var answer = new CheckInAnswer(
            order.Sign(services.GetRequiredService<MasterSecret>(), caller.Generation), decision.Statement, decision.Image);
        var bytes = JsonSerializer.SerializeToUtf8Bytes(answer, CheckInAnswerJson.Default.CheckInAnswer);
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private static void Hold(HttpResponse response, TimeSpan wait)
    {
        response.StatusCode = StatusCodes.Status204NoContent;
        RetryAfter(response, wait);
    }

    private static void RetryAfter(HttpResponse response, TimeSpan wait) =>
        response.Headers.RetryAfter = ((long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
