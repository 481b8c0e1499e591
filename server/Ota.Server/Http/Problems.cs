using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Ota.Server.Http;

/// <summary>ProblemDetails (RFC 9457) with stable types. The detail says what was wrong and what to do, never a secret.</summary>
internal static class Problems
{
    private const string Prefix = "urn:ota:problem:";

    public static ProblemHttpResult Of(int status, string name, string title, string detail) =>
        TypedResults.Problem(detail, statusCode: status, title: title, type: Prefix + name);

    public static ProblemHttpResult Invalid(string detail) => Of(400, "invalid", "The request is not valid", detail);

    public static ProblemHttpResult NotFound(string what, string? name) =>
        Of(404, "not-found", "Not found", $"There is no {what} '{Clean(name)}'.");

    public static ProblemHttpResult Conflict(string name, string detail) => Of(409, name, "That conflicts with what is there", detail);

    public static ProblemHttpResult Refused(string name, string detail) => Of(422, name, "Refused", detail);

    public static ProblemHttpResult Full() =>
        Of(507, "storage-full", "The server's disk is full", "Nothing was kept of this request. Free some space on the server, then send it again.");

    public static ProblemHttpResult Unavailable() =>
        Of(503, "storage-unavailable", "The image storage is out of reach", "Nothing was kept of this request. Send it again later; the server's log has the reason.");

    /// <summary>What the framework answers with a bare status.</summary>
    public static ProblemHttpResult OfStatus(HttpContext context) => context.Response.StatusCode switch
    {
        400 when UnreadNumber(context) is var (name, value) => Invalid($"{name} is a whole number, and not '{Clean(value)}'."),
        404 => Of(404, "no-such-path", "Not found", "There is nothing at this path; /docs lists the calls."),
        405 => Of(405, "method", "Wrong method", $"This path does not take {Clean(context.Request.Method)}; /docs lists the calls."),
        415 => Of(415, "content-type", "Wrong content type", "This call takes application/json."),
        var status => Of(status, "invalid", "The request could not be answered", "/docs lists the calls and what they take."),
    };

    // A parameter that cannot be bound is answered 400 without a word on which it was.
    private static (string Name, string Value)? UnreadNumber(HttpContext context)
    {
        foreach (var parameter in context.GetEndpoint()?.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? [])
        {
            if (parameter.Name is { } name && context.Request.Query[name].FirstOrDefault() is { } value
                && ((parameter.ParameterType == typeof(int) && !int.TryParse(value, CultureInfo.InvariantCulture, out _))
                    || (parameter.ParameterType == typeof(long) && !long.TryParse(value, CultureInfo.InvariantCulture, out _))))
                return (name, value);
        }

        return null;
    }

    /// <summary>Bounded and without control characters: it goes into a message.</summary>
    private static string Clean(string? text)
    {
        text ??= "";
        var clean = new string([.. text.Take(64).Select(c => char.IsControl(c) ? '?' : c)]);
        return text.Length > 64 ? clean + "…" : clean;
    }

    /// <summary>Writes a problem where there is no result to return.</summary>
    public static Task WriteAsync(HttpContext context, ProblemHttpResult problem) => problem.ExecuteAsync(context);
}
