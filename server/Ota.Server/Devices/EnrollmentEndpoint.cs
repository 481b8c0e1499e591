using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json.Serialization;
using Dapper;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Http;
using Ota.Server.Limits;
using Ota.Server.Pins;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Signing;

namespace Ota.Server.Devices;

public sealed record Enrollment(string? Product, string? EnrollmentKey, string? HardwareId, string? Hardware, string? Running);

/// <summary>A device's identity: its id, and its secrets as base64url of 32 bytes each.</summary>
public sealed record Identity(string Device, string Token, string OrderKey, PinIdentity Pins);

/// <param name="Token">Good for the device's pins and for nothing else.</param>
/// <param name="System">Under which numbers its system pins are found now.</param>
public sealed record PinIdentity(string Token, SystemPins System);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Enrollment))]
[JsonSerializable(typeof(Identity))]
internal sealed partial class EnrollmentJson : JsonSerializerContext;

/// <summary>POST /agent/v1/enroll (docs/protocol.md §3): hands a device its identity, once.</summary>
internal static class EnrollmentEndpoint
{
    public const int MaximumSize = 2048;

    private const string HandOverSql =
        """
        UPDATE devices SET generation = generation + 1, checked_in = 0, handed_over = 0, last_order = 0, decommission = NULL,
               dialect = @Dialect, protection = @Protection, told_image = NULL, shut_out = 0
        WHERE id = @Id AND generation = @Generation AND handed_over = 1
        """;

    // Crockford's base 32: nothing in it is mistaken for something else when read out on the phone.
    public const string Alphabet = "0123456789abcdefghjkmnpqrstvwxyz";

    public static Task<Results<Created<Identity>, Ok<Identity>, ProblemHttpResult>> EnrollAsync(
        Enrollment asked,
        ProductCatalog products,
        Fleet fleet,
        Database database,
        MasterSecret master,
        TimeProvider time,
        HttpContext context,
        CallLimits limits,
        CancellationToken cancellation) =>
        StaleException.RetryAsync(() => EnrollOnceAsync(asked, products, fleet, database, master, time, context, limits, cancellation));

    private static async Task<Results<Created<Identity>, Ok<Identity>, ProblemHttpResult>> EnrollOnceAsync(
        Enrollment asked,
        ProductCatalog products,
        Fleet fleet,
        Database database,
        MasterSecret master,
        TimeProvider time,
        HttpContext context,
        CallLimits limits,
        CancellationToken cancellation)
    {
        if (HardwareIdFault(asked.HardwareId) is { } misnamed)
            return Problems.Invalid(misnamed);
        var hardwareId = asked.HardwareId!;
        if (Names.VersionFault(asked.Running) is { } fault)
            return Problems.Invalid("running " + fault);
        // One answer for an unknown product and a wrong key: whoever has no key learns nothing about products.
        if (products.Find(asked.Product) is not { } product
            || !MasterSecret.Same(asked.EnrollmentKey ?? "", master.EnrollmentKey(product.Name, product.EnrollmentGeneration)))
        {
            return limits.Refused(
                context, Problems.Of(403, "enrollment-key", "Not enrolled: the key is wrong", "The enrollment key does not fit the product."));
        }

        if (asked.Hardware is null || !product.Hardware.Contains(asked.Hardware))
            return Problems.Refused("hardware", $"Product '{product.Name}' exists on {string.Join(", ", product.Hardware)}.");

        using var held = await fleet.LockHardwareAsync(hardwareId, cancellation);
        if (fleet.FindByHardware(product.Name, hardwareId) is not { } known)
        {
            var device = await AddAsync(NewId(), asked, client: null, fleet, database, time, cancellation);
            return TypedResults.Created((string?)null, IdentityOf(device, product, master));
        }

        // Who is to be wiped and asks for an identity has none any more: the power may have gone before it could say so.
        var mayStartOver = known.HandedOver || known.Open is { Action: DeploymentAction.Decommission };
        if (mayStartOver && await StartOverAsync(known, client: null, database, fleet, time, cancellation))
            return TypedResults.Created((string?)null, IdentityOf(known, product, master));

        return known.CheckedIn || known.Client is not null
            ? Problems.Conflict("enrolled", "This hardware has an identity and has used it. Staff must hand it over first ('ota device hand-over').")
            : TypedResults.Ok(IdentityOf(known, product, master));
    }

    /// <summary>What is wrong with a hardware id, or null.</summary>
    public static string? HardwareIdFault(string? hardwareId) =>
        hardwareId is { Length: >= 1 and <= 64 } && hardwareId.All(IsHardwareIdCharacter)
            ? null
            : "hardwareId is 1 to 64 letters, digits or any of : . _ -";

    /// <param name="client">Null for our agent.</param>
    internal static async Task<Device> AddAsync(
        string id, Enrollment asked, ForeignClient? client, Fleet fleet, Database database, TimeProvider time, CancellationToken cancellation)
    {
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var device = new Device(id, asked.Product!, asked.HardwareId!, asked.Hardware!, now)
        {
            RunningAtEnrollment = asked.Running!,
            Client = client,
        };
        var isNew = await database.WriteAsync(
            connection =>
            {
                if (connection.Execute(DeviceTable.InsertSql, new
                {
                    device.Id, device.Product, device.HardwareId, device.Hardware, Running = asked.Running, Enrolled = now.ToUnixTimeMilliseconds(),
                    Dialect = client?.Dialect.Name, Protection = client is null ? null : ProtectionWords.Of(client.Protection),
                }) == 0)
                    return false;
                Timeline.Append(connection, device.Id, now.ToUnixTimeMilliseconds(), "enrolled", $"Enrolled as {device.HardwareId} on {device.Hardware}" + In(client));
                return true;
            },
            cancellation);
        if (isNew)
            return fleet.Add(device);

        // Another server was faster.
        await fleet.LearnAsync(device.Product, device.HardwareId, cancellation);
        throw new StaleException();
    }

    /// <summary>False when staff took it back this moment: then the present secrets are nobody else's.</summary>
    /// <param name="client">Null for our agent.</param>
    internal static async Task<bool> StartOverAsync(
        Device device, ForeignClient? client, Database database, Fleet fleet, TimeProvider time, CancellationToken cancellation)
    {
        using var held = await fleet.LockAsync(device, cancellation);
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        // What was meant for the owner before must not reach the next one.
        var over = device.Open is { Action: not DeploymentAction.Install } open
            ? open with
            {
                State = open.Action == DeploymentAction.Decommission ? DeploymentState.Confirmed : DeploymentState.Cancelled,
                Detail = "it enrolled anew",
                Ended = DateTimeOffset.FromUnixTimeMilliseconds(now),
            }
            : null;
        var changed = await database.WriteAsync(
            connection =>
            {
                if (over is not null && DeploymentTable.Update(connection, over))
                {
                    Decommission.Write(connection, over);
                    DeploymentEvents.Append(connection, over);
                    Timeline.Append(connection, device.Id, now, DeploymentWords.Shown(over), DeploymentWords.Ending(over));
                    connection.Execute(
                        DeviceTable.DecidedSql, new { device.Id, device.OrderNumber, device.Instruction, State = DeploymentWords.Shown(over) });
                }

                if (connection.Execute(HandOverSql, new
                {
                    device.Id, device.Generation, Dialect = client?.Dialect.Name,
                    Protection = client is null ? null : ProtectionWords.Of(client.Protection),
                }) == 0)
                    return false;
                PinTable.Forget(connection, device.Id);
                Timeline.Append(connection, device.Id, now, "enrolled", $"Enrolled anew, generation {device.Generation + 1}" + In(client));
                return true;
            },
            cancellation,
            device.Basis);
        if (!changed)
            return false;
        if (over is not null)
        {
            Decommission.Apply(device, over);
            device.Open = null;
            device.State = DeploymentWords.Shown(over);
        }

        device.Generation++;
        device.CheckedIn = false;
        device.HandedOver = false;
        device.Decommissioned = null;
        device.Client = client;
        device.ToldImage = null;
        device.ShutOut = false;
        // Other firmware may have come with the next owner, and with it other keys to begin with.
        device.RefusedKeys = 0;
        return true;
    }

    private static Identity IdentityOf(Device device, Product product, MasterSecret master) => new(
        device.Id,
        Base64Url.EncodeToString(master.Token(device.Id, device.Generation)),
        Base64Url.EncodeToString(master.OrderKey(device.Id, device.Generation)),
        new PinIdentity(Base64Url.EncodeToString(master.PinToken(device.Id, device.Generation)), product.Pins));

    private static string In(ForeignClient? client) => client is null ? "" : $", dialect {client.Dialect.Name}";

    internal static string NewId() => RandomNumberGenerator.GetString(Alphabet, 12);

    private static bool IsHardwareIdCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is ':' or '.' or '_' or '-';
}
