using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.Provisioning;

public sealed record NewUnit(string? HardwareId);

/// <summary>
/// What is printed on a unit's label and written into it at the factory. Both calls hand out a secret and leave a line in the audit log,
/// therefore they are no GETs.
/// </summary>
internal static class UnitEndpoints
{
    public static void MapUnits(this IEndpointRouteBuilder api)
    {
        api.MapPost("/products/{product}/units", MakeAsync).For(StaffRole.Developer).WithTags("Provisioning")
            .WithSummary("The rescue network of a unit that is being made");
        api.MapPost("/devices/{device}/rescue-network", ShowAsync).For(StaffRole.Support).WithTags("Provisioning")
            .WithSummary("The rescue network on a unit's label, for someone whose label is gone");
    }

    private static async Task<Results<Ok<RescueNetwork>, ProblemHttpResult>> MakeAsync(
        string product, NewUnit asked, ProductCatalog products, MasterSecret master, Database database, TimeProvider time,
        ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (products.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        if (EnrollmentEndpoint.HardwareIdFault(asked.HardwareId) is { } fault)
            return Problems.Invalid(fault);
        return await HandOutAsync(
            RescueNetwork.Of(master, found.Name, asked.HardwareId!), "unit.make", $"{found.Name} {asked.HardwareId}", database, time, user, cancellation);
    }

    public static async Task<Results<Ok<RescueNetwork>, ProblemHttpResult>> ShowAsync(
        string device, Fleet fleet, MasterSecret master, Database database, TimeProvider time, ClaimsPrincipal user,
        CancellationToken cancellation) =>
        fleet.One(device, out var problem) is { } found
            ? await HandOutAsync(
                RescueNetwork.Of(master, found.Product, found.HardwareId), "device.rescue-network", found.Id, database, time, user, cancellation)
            : problem!;

    private static async Task<Results<Ok<RescueNetwork>, ProblemHttpResult>> HandOutAsync(
        RescueNetwork network, string action, string subject, Database database, TimeProvider time, ClaimsPrincipal user,
        CancellationToken cancellation)
    {
        await database.WriteAsync(
            connection => AuditLog.Append(connection, time.GetUtcNow().ToUnixTimeMilliseconds(), user.Who(), action, subject), cancellation);
        return TypedResults.Ok(network);
    }
}
