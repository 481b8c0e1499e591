using System.Text.Json.Serialization;
using Ota.Cli.Api;

namespace Ota.Cli.Deployments;

/// <summary>One release ordered for one device.</summary>
internal sealed record Deployment
{
    [JsonConverter(typeof(OpaqueIdConverter))]
    public required string Id { get; init; }
    [JsonConverter(typeof(OpaqueIdConverter))]
    public string? Rollout { get; init; }
    public string? Device { get; init; }
    public string? Product { get; init; }
    public string? Version { get; init; }
    public string? Kind { get; init; }
    public string? Release { get; init; }

    /// <summary><c>install</c>, <c>recover</c> or <c>decommission</c>.</summary>
    public string? Action { get; init; }

    /// <summary><c>target</c>, <c>step</c> (on the way to a later release) or <c>return</c> (back to what the device ran before).</summary>
    public string? Purpose { get; init; }

    /// <summary>What it does to the device, in a word.</summary>
    [JsonIgnore]
    public string? Does => (Action, Purpose) is ("install", "step" or "return") ? Purpose : Action;

    public string? State { get; init; }
    public string? Detail { get; init; }
    public string? Reason { get; init; }
    public DateTimeOffset? Created { get; init; }
    public string? CreatedBy { get; init; }
    public DateTimeOffset? Offered { get; init; }
    public DateTimeOffset? Ended { get; init; }
    public DateTimeOffset? Expires { get; init; }

    /// <summary>A recovery in two steps, of a client that knows no orders.</summary>
    public bool? TwoStep { get; init; }
}

/// <summary>Exactly one of device, group, all.</summary>
internal sealed record NewDeployment(
    string Product, string Version, string? Device, string? Group, bool? All, string? Hardware);

/// <summary>A deployment for one device, or a rollout for many.</summary>
internal sealed record DeploymentStarted(
    [property: JsonConverter(typeof(OpaqueIdConverter))] string? Deployment,
    [property: JsonConverter(typeof(OpaqueIdConverter))] string? Rollout,
    string Product,
    string Version,
    string? Target,
    long? Devices,
    long? BelowFloor);
