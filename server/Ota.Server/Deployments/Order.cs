using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ota.Server.Secrets;
using Ota.Signing;

namespace Ota.Server.Deployments;

/// <summary>The authenticated instruction a device is handed (docs/protocol.md §1.3).</summary>
internal sealed record Order(
    string Device, long Number, string Action, string Deployment, string? Release, DateTimeOffset Issued, DateTimeOffset Expires)
{
    public const string Rotate = "rotate";
    private const string KeysPrefix = "keys-";

    /// <summary>
    /// The order as JWS under the device's order key. Derived, so that the same row gives the same bytes after a restart.
    /// </summary>
    public string Sign(MasterSecret master, long generation)
    {
        var body = new OrderBody(
            Device, Number, Action, Deployment, Release, Issued.ToUnixTimeSeconds(), Expires.ToUnixTimeSeconds());
        return Jws.SignHs256(
            JwsKind.Order, JsonSerializer.SerializeToUtf8Bytes(body, OrderJson.Default.OrderBody), master.OrderKey(Device, generation));
    }

    /// <summary>What an order to trust other keys carries for a deployment, as it has none.</summary>
    public static string KeysDeployment(int counter) => KeysPrefix + counter.ToString(CultureInfo.InvariantCulture);

    /// <summary>The counter in <see cref="KeysDeployment"/>, or null for anything else.</summary>
    public static int? KeysCounter(string deployment) =>
        deployment.StartsWith(KeysPrefix, StringComparison.Ordinal)
        && int.TryParse(deployment.AsSpan(KeysPrefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var counter)
            ? counter
            : null;

    /// <summary>The order that a deployment last handed out.</summary>
    public static Order Of(Deployment deployment) => new(
        deployment.Device,
        deployment.OrderNumber,
        DeploymentWords.Of(deployment.Action),
        deployment.Id.ToString(CultureInfo.InvariantCulture),
        deployment.Release,
        deployment.OrderIssued,
        deployment.OrderExpires);
}

internal sealed record OrderBody(
    string Device, long Number, string Action, string Deployment, string? Release, long Issued, long Expires);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OrderBody))]
internal sealed partial class OrderJson : JsonSerializerContext;
