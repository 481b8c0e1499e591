using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ota.Cli.Api;

/// <summary>What is printed to stderr with --json when a command fails.</summary>
internal sealed record ErrorDocument(ErrorBody Error);

internal sealed record ErrorBody(
    string Type,
    string Title,
    string? Detail,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Status);

/// <summary>ProblemDetails (RFC 9457), the members we show.</summary>
internal sealed record ProblemDocument(string? Type, string? Title, string? Detail)
{
    /// <summary>Null when the body is not a problem document: a proxy's page, an empty body, another JSON.</summary>
    public static ProblemDocument? Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var read = JsonSerializer.Deserialize(body, OtaJson.Wire<ProblemDocument>());
            return read is { Title: not null } or { Detail: not null } ? read : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
