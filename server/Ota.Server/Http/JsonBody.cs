using Microsoft.AspNetCore.Http.HttpResults;

namespace Ota.Server.Http;

/// <summary>The content type of device calls that are read by hand.</summary>
internal static class JsonBody
{
    public static bool IsJson(HttpRequest request) =>
        request.ContentType is { } type
        && type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase)
        && (type.Length == 16 || type[16] is ';' or ' ');

    public static ProblemHttpResult WrongType() =>
        Problems.Of(415, "content-type", "Wrong content type", "This call takes application/json.");
}
