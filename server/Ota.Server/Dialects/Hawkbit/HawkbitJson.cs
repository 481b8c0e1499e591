using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ota.Server.Dialects.Hawkbit;

internal sealed record Href([property: JsonPropertyName("href")] string Address);

/// <param name="Sleep">HH:mm:ss.</param>
internal sealed record Polling(string Sleep);

internal sealed record PollConfig(Polling Polling);

internal sealed record PollLinks(Href? DeploymentBase, Href? CancelAction, Href? InstalledBase, Href? ConfigData);

internal sealed record PollAnswer(PollConfig Config, [property: JsonPropertyName("_links")] PollLinks Links);

internal sealed record ArtifactHashes(string Sha1, string Md5, string Sha256);

/// <summary>By the names for HTTPS or by those for HTTP, as old clients know only the one they were built for.</summary>
internal sealed record ArtifactLinks(
    Href? Download,
    Href? Md5sum,
    [property: JsonPropertyName("download-http")] Href? DownloadHttp,
    [property: JsonPropertyName("md5sum-http")] Href? Md5sumHttp);

internal sealed record HawkbitArtifact(
    string Filename, ArtifactHashes Hashes, long Size, [property: JsonPropertyName("_links")] ArtifactLinks Links);

internal sealed record HawkbitChunk(string Part, string Version, string Name, IReadOnlyList<HawkbitArtifact> Artifacts);

internal sealed record HawkbitDeployment(string Download, string Update, IReadOnlyList<HawkbitChunk> Chunks);

/// <param name="Id">A text: RAUC's client takes no number, SWUpdate's takes either.</param>
internal sealed record DeploymentBase(string Id, HawkbitDeployment Deployment);

internal sealed record CancelWhat(string StopId);

internal sealed record CancelBase(string Id, CancelWhat CancelAction);

internal sealed record FeedbackBody(FeedbackStatus? Status);

/// <param name="Details">Texts, or one text.</param>
internal sealed record FeedbackStatus(string? Execution, FeedbackResult? Result, JsonElement Details);

internal sealed record FeedbackResult(string? Finished, FeedbackProgress? Progress);

internal sealed record FeedbackProgress(double? Cnt, double? Of);

internal sealed record AttributesBody(string? Mode, Dictionary<string, JsonElement>? Data);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, MaxDepth = 16)]
[JsonSerializable(typeof(PollAnswer))]
[JsonSerializable(typeof(DeploymentBase))]
[JsonSerializable(typeof(CancelBase))]
[JsonSerializable(typeof(FeedbackBody))]
[JsonSerializable(typeof(AttributesBody))]
internal sealed partial class HawkbitJson : JsonSerializerContext;
