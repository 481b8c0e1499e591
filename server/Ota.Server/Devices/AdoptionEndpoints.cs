using System.Buffers.Text;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.Devices;

/// <param name="Hardware">One of the product's; may be left out when it has only one.</param>
/// <param name="Protection">What the client is known to check; unless given what is known of it already, or usual in its dialect.</param>
public sealed record NewClient(string? HardwareId, string? Dialect, string? Hardware = null, string? Protection = null);

/// <param name="User">With <paramref name="Token"/> as password, where a client has Basic authentication.</param>
/// <param name="ProtectionBefore">What it was taken to check until now; null unless that has changed.</param>
/// <param name="Path">
/// The address on this server that the client is to ask; where nothing else can, it holds the token. Empty for one that speaks Blynk: its token, on Blynk's port.
/// </param>
public sealed record ClientView(
    string Device, string HardwareId, string Hardware, string Dialect, string Protection, string User, string Token, string Path, string? ProtectionBefore);

/// <summary>POST of a client that was not written for this server: one unit with an address of its own.</summary>
internal static class AdoptionEndpoints
{
    public static void MapAdoption(this IEndpointRouteBuilder api) =>
        api.MapPost("/products/{product}/clients", AdoptAsync).For(StaffRole.Support).WithTags("Devices")
            .WithSummary("Takes in a client that was not written for this server; the same one again shows its address again");

    private static async Task<Results<Created<ClientView>, Ok<ClientView>, ProblemHttpResult>> AdoptAsync(
        string product, NewClient asked, ProductCatalog products, Fleet fleet, Adoption adoption, MasterSecret master, Database database, TimeProvider time,
        ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (products.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        if (EnrollmentEndpoint.HardwareIdFault(asked.HardwareId) is { } misnamed)
            return Problems.Invalid(misnamed);
        if (ClientDialect.Find(asked.Dialect) is not { } dialect)
            return Problems.Invalid($"dialect is one of {ClientDialect.All}.");
        if (asked.Protection is not null && ProtectionWords.Parse(asked.Protection) is null)
            return Problems.Invalid($"protection is one of {ProtectionWords.All}.");
        if ((asked.Hardware ?? (found.Hardware is [var only] ? only : null)) is not { } hardware || !found.Hardware.Contains(hardware))
        {
            return Problems.Refused(
                "hardware", $"Say on which hardware it runs: product '{found.Name}' exists on {string.Join(", ", found.Hardware)}.");
        }

        var hardwareId = Adoption.Spelled(asked.HardwareId!);
        var before = fleet.FindByHardware(found.Name, hardwareId)?.Client?.Protection;
        var (outcome, device) = await adoption.AdoptAsync(found, hardwareId, hardware, dialect, ProtectionWords.Parse(asked.Protection), cancellation);
        if (outcome == Adopted.Conflict)
        {
            return Problems.Conflict("enrolled",
                $"Hardware {device.HardwareId} is device {device.Id} ({device.Client?.Dialect.Name ?? "our agent"}, {device.Hardware}). "
                + "Hand it over first ('ota device hand-over') if that is to end.");
        }

        await database.WriteAsync(
            connection => AuditLog.Append(
                connection, time.GetUtcNow().ToUnixTimeMilliseconds(), user.Who(), "device.adopt", device.Id, $"{dialect.Name}, generation {device.Generation}"),
            cancellation);
        var isBlynk = dialect == ClientDialect.Blynk;
        var token = isBlynk
            ? BlynkToken.Of(device.Id, master.BlynkSecret(device.Id, device.Generation))
            : Base64Url.EncodeToString(master.DialectToken(device.Id, device.Generation));
        var view = new ClientView(
            device.Id, device.HardwareId, device.Hardware, dialect.Name, ProtectionWords.Of(device.Client!.Protection), device.Id, token,
            isBlynk ? "" : dialect.AddressOf(device, token),
            before is { } was && outcome == Adopted.AlreadyThere && was != device.Client.Protection ? ProtectionWords.Of(was) : null);
        return outcome == Adopted.New ? TypedResults.Created($"/api/v1/devices/{device.Id}", view) : TypedResults.Ok(view);
    }
}
