using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ota.Server.Http;

namespace Ota.Server.Dialects;

/// <summary>JSON that a client sends.</summary>
internal static class ClientBody
{
    /// <summary>Reads a body; null when it was answered already, as it is none.</summary>
    public static async Task<T?> ReadAsync<T>(HttpContext context, int limit, JsonTypeInfo<T> type)
        where T : class
    {
        if (!JsonBody.IsJson(context.Request))
        {
            await Problems.WriteAsync(context, JsonBody.WrongType());
            return null;
        }

        if (await BoundedBody.ReadAsync(context.Request, limit, context.RequestAborted) is not { } body)
        {
            await Problems.WriteAsync(context, Problems.Of(413, "too-large", "The request is too large", $"This call takes at most {limit} bytes."));
            return null;
        }

        try
        {
            if (JsonSerializer.Deserialize(body.Span, type) is { } read)
                return read;
            await Problems.WriteAsync(context, Problems.Invalid("The body is null."));
        }
        catch (JsonException fault)
        {
            await Problems.WriteAsync(context, Problems.Invalid($"The body's JSON cannot be read at '{fault.Path ?? "$"}'."));
        }

        return null;
    }
}
