using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ota.Server.Dialects.Mender;

/// <param name="IdData">JSON in a text.</param>
/// <param name="Pubkey">PEM.</param>
internal sealed record AuthRequest(string? IdData, string? TenantToken, string? Pubkey);

/// <param name="Exp">Unix seconds.</param>
internal sealed record Session(string Device, long Exp);

internal sealed record NextBody(string? ArtifactName, string? DeviceType, NextProvides? DeviceProvides);

internal sealed record NextProvides(string? ArtifactName, string? DeviceType);

internal sealed record NextAnswer(string Id, NextArtifact Artifact);

internal sealed record NextArtifact(string ArtifactName, IReadOnlyList<string> DeviceTypesCompatible, NextSource Source);

internal sealed record NextSource(string Uri, DateTimeOffset Expire);

internal sealed record StatusBody(string? Status, string? Substate);

internal sealed record LogBody(IReadOnlyList<LogMessage?>? Messages);

internal sealed record LogMessage(string? Level, string? Message);

internal sealed record InventoryAttribute(string? Name, JsonElement Value);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, MaxDepth = 16)]
[JsonSerializable(typeof(AuthRequest))]
[JsonSerializable(typeof(Session))]
[JsonSerializable(typeof(NextBody))]
[JsonSerializable(typeof(NextAnswer))]
[JsonSerializable(typeof(StatusBody))]
[JsonSerializable(typeof(LogBody))]
[JsonSerializable(typeof(InventoryAttribute[]))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>), TypeInfoPropertyName = "Identity")]
internal sealed partial class MenderJson : JsonSerializerContext;
