using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Data;
using Ota.Server.Http;
using Ota.Server.Staff;

namespace Ota.Server.Audit;

internal static class AuditEndpoints
{
    public static void MapAudit(this IEndpointRouteBuilder api) =>
        api.MapGet("/audit", Page).For(StaffRole.Admin).WithTags("Audit").WithSummary("Who did what, oldest first");

    private static Results<Ok<IReadOnlyList<AuditEntry>>, ProblemHttpResult> Page(Database database, long after = 0, int limit = 1000) =>
        limit is < 1 or > 1000 || after < 0
            ? Problems.Invalid("limit is 1 to 1000, after is the number of the last entry you have.")
            : TypedResults.Ok(database.Read(connection => AuditLog.Page(connection, after, limit)));
}
