using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Http;
using Ota.Server.Secrets;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Provisioning;

/// <param name="Password">Left out for an open network.</param>
public sealed record NewSite(string? Name, string? Ssid, string? Password = null);

/// <summary>Places whose Wi-Fi units are provisioned for. No call tells a password again.</summary>
internal static class SiteEndpoints
{
    private const int MostSites = 10_000;

    public static void MapSites(this IEndpointRouteBuilder api)
    {
        var sites = api.MapGroup("/sites").WithTags("Provisioning").For(StaffRole.Support);
        sites.MapGet("", (Database database) => database.Read(SiteTable.All)).WithSummary("All sites, without their passwords");
        sites.MapPost("", AddAsync).WithSummary("Adds a site's Wi-Fi; its password is kept sealed and never shown");
        sites.MapDelete("/{site}", RemoveAsync).WithSummary("Forgets a site; units that were provisioned for it keep its network");
    }

    private static async Task<Results<Created<Site>, ProblemHttpResult>> AddAsync(
        NewSite asked, Database database, MasterSecret master, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (Names.Fault(asked.Name) is { } name)
            return Problems.Invalid("The site's name " + name);
        if (WifiNetwork.Of(asked.Ssid, asked.Password, out var fault) is not { } network)
            return Problems.Invalid(fault!);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var outcome = await database.WriteAsync(
            connection =>
            {
                if (SiteTable.All(connection).Count >= MostSites)
                    return "full";
                if (!SiteTable.Insert(connection, asked.Name!, network, master, now, user.Who()))
                    return "there";
                AuditLog.Append(connection, now.ToUnixTimeMilliseconds(), user.Who(), "site.add", asked.Name!, network.Ssid);
                return null;
            },
            cancellation);
        return outcome switch
        {
            null => TypedResults.Created($"/api/v1/sites/{asked.Name}", new Site(asked.Name!, network.Ssid, now, user.Who())),
            "full" => Problems.Conflict("too-many", $"There are {MostSites} sites already; remove some."),
            _ => Problems.Conflict("site", $"There is a site '{asked.Name}' already; remove it first, or choose another name."),
        };
    }

    private static async Task<Results<Ok<Site>, ProblemHttpResult>> RemoveAsync(
        string site, Database database, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation) =>
        await database.WriteAsync(
            connection =>
            {
                var removed = SiteTable.Remove(connection, site);
                if (removed is not null)
                    AuditLog.Append(connection, time.GetUtcNow().ToUnixTimeMilliseconds(), user.Who(), "site.remove", site, removed.Ssid);
                return removed;
            },
            cancellation) is { } gone
            ? TypedResults.Ok(gone)
            : Problems.NotFound("site", site);
}
