using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Staff;

namespace Ota.Server.Alerts;

internal static class AlertEndpoints
{
    public static void MapAlerts(this IEndpointRouteBuilder api) =>
        api.MapGet("/alerts", ListAsync).For(StaffRole.Viewer).WithTags("Alerts")
            .WithSummary("What is or was wrong with devices, newest first, a page at a time");

    private static async Task<Results<Ok<AlertView[]>, ProblemHttpResult>> ListAsync(
        AlertWatch watch,
        Database database,
        ProductCatalog products,
        Fleet fleet,
        string? product = null,
        string? device = null,
        string? kind = null,
        bool? open = null,
        int limit = 100,
        long? after = null)
    {
        if (limit is < 1 or > 1000)
            return Problems.Invalid("limit is 1 to 1000.");
        if (product is not null && products.Find(product) is null)
            return Problems.NotFound("product", product);
        if (kind is not null && !AlertWords.IsOne(kind))
            return Problems.Invalid($"kind is one of {AlertWords.All}.");
        ProblemHttpResult? problem = null;
        var one = device is null ? null : fleet.One(device, out problem);
        if (problem is not null)
            return problem;

        // What was decided a moment ago counts too.
        await watch.FlushAsync();
        return TypedResults.Ok(database.Read(
            connection => AlertTable.List(connection, new AlertFilter(product, one?.Id, kind, open, limit, after))));
    }
}
