using System.Security.Claims;
using System.Text;
using Dapper;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.Provisioning;

/// <param name="Site">A site's name; or <paramref name="Ssid"/> and <paramref name="Password"/>, which are not kept.</param>
/// <param name="Owner">Whose unit it is from then on, in the application's own terms; at most 64 bytes.</param>
/// <param name="ExpiresIn">Seconds the bundle is good for where the unit knows the time; 30 days unless given.</param>
public sealed record NewBundle(string? Site = null, string? Ssid = null, string? Password = null, string? Owner = null, long? ExpiresIn = null);

/// <param name="Bundle">A line of text that only this unit can read, once.</param>
/// <param name="Number">The number of the unit's orders that it uses up.</param>
public sealed record BundleView(string Device, string HardwareId, string Ssid, string Bundle, long Number, DateTimeOffset Expires);

/// <summary>A network for one unit, sealed to its order key. Nothing of it is kept but that it was made.</summary>
internal static class ProvisionEndpoint
{
    private const long UsualLife = 30 * 24 * 3600;
    private const long LongestLife = 365 * 24 * 3600;
    private const int LongestOwner = 64;
    private const string Action = "provision";

    private const string NumberSql = "UPDATE devices SET order_number = CASE WHEN order_number < @number THEN @number ELSE order_number END WHERE id = @id";

    public static void MapProvision(this IEndpointRouteBuilder api) =>
        api.MapPost("/devices/{device}/provision", ProvisionAsync).For(StaffRole.Support).WithTags("Provisioning")
            .WithSummary("Makes a bundle with a Wi-Fi network that this unit alone can read, once");

    private static async Task<Results<Ok<BundleView>, ProblemHttpResult>> ProvisionAsync(
        string device, NewBundle asked, Fleet fleet, MasterSecret master, Database database, TimeProvider time, ClaimsPrincipal user,
        CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        if (found.Client is { Dialect.Name: var dialect })
        {
            return Problems.Refused("dialect",
                $"Device {found.Id} speaks {dialect}: its client reads no bundle. Give it a network by its own means.");
        }

        if (asked.ExpiresIn is < 60 or > LongestLife)
            return Problems.Invalid("expiresIn is 60 seconds to 365 days, in seconds.");
        if (Encoding.UTF8.GetByteCount(asked.Owner ?? "") > LongestOwner)
            return Problems.Invalid($"The owner has at most {LongestOwner} bytes.");
        if (Network(asked, database, master, out problem) is not { } network)
            return problem!;
        using var held = await fleet.LockAsync(found, cancellation);
        if (found.Decommissioned is not null)
            return Problems.Conflict("decommissioned", $"Device {found.Id} was decommissioned and has no identity until it enrolls anew.");

        var now = DateTimeOffset.FromUnixTimeSeconds(time.GetUtcNow().ToUnixTimeSeconds());
        var expires = now.AddSeconds(asked.ExpiresIn ?? UsualLife);
        var seen = found.Heard is { } heard && heard.Generation == found.Generation ? heard.CheckIn.LastOrder : 0;
        var number = Math.Max(found.OrderNumber, seen) + 1;
        var bundle = WifiBundle.Make(found.Id, number, network, asked.Owner, now, expires, master.OrderKey(found.Id, found.Generation));
        if (bundle.Length > WifiBundle.Longest)
            return Problems.Invalid("Network, password and owner are together too long for a unit: other characters than letters count for more.");
        await database.WriteAsync(
            connection =>
            {
                // Spent before it is handed out, like every order's.
                DeploymentTable.InsertOrder(connection, new Order(found.Id, number, Action, Deployment: "", Release: null, now, expires));
                connection.Execute(NumberSql, new { number, id = found.Id });
                var at = now.ToUnixTimeMilliseconds();
                var what = asked.Site is { } site ? $"for site {site}" : $"for network {network.Ssid}";
                Timeline.Append(connection, found.Id, at, "bundle", $"Bundle {number} made {what}", user.Who());
                AuditLog.Append(connection, at, user.Who(), "device.provision", found.Id, what);
            },
            cancellation,
            found.Basis);
        found.OrderNumber = number;
        return TypedResults.Ok(new BundleView(found.Id, found.HardwareId, network.Ssid, bundle, number, expires));
    }

    private static WifiNetwork? Network(NewBundle asked, Database database, MasterSecret master, out ProblemHttpResult? problem)
    {
        problem = null;
        if (asked.Site is null == asked.Ssid is null)
        {
            problem = Problems.Invalid("Give a site, or ssid and password, one of them.");
            return null;
        }

        if (asked.Site is { } name)
        {
            var site = database.Read(connection => SiteTable.Find(connection, name, master));
            problem = site is null ? Problems.NotFound("site", name) : null;
            return site?.Network;
        }

        var network = WifiNetwork.Of(asked.Ssid, asked.Password, out var fault);
        problem = network is null ? Problems.Invalid(fault!) : null;
        return network;
    }
}
