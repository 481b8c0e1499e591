using System.Data.Common;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Server.Settings;
using Ota.Server.Staff;
using Ota.Server.Webhooks;

namespace Ota.Server.Dialects.Blynk;

/// <param name="Url">Where its HTTP API is; null for none.</param>
public sealed record CloudChange(string? Url);

/// <param name="Url">Null when no cloud is told of the product's devices.</param>
public sealed record CloudView(string Product, string? Url);

/// <param name="Token">The device's in the product's cloud; null to forget it.</param>
public sealed record CloudTokenChange(string? Token);

/// <summary>How the telling stands; the token itself is shown to nobody.</summary>
/// <param name="HasToken">Whether the device has a token for the cloud that its product names now.</param>
/// <param name="Due">When it is told next; null while there is nothing to tell.</param>
public sealed record CloudTokenView(
    string Device, string? Url, bool HasToken, DateTimeOffset? Due, DateTimeOffset? LastTold, DateTimeOffset? LastFailed, string? LastError);

/// <summary>The other direction: a Blynk cloud, or what speaks like one, is told of this server's devices.</summary>
internal static class BlynkCloudEndpoints
{
    private const int LongestToken = 128;

    public static void MapBlynkClouds(this IEndpointRouteBuilder api)
    {
        api.MapPut("/products/{product}/blynk", SetAsync).For(StaffRole.Developer).WithTags("Blynk")
            .WithSummary("Names the Blynk cloud that is told version, restart cause and signal of the product's devices; null for none");
        api.MapGet("/devices/{device}/blynk-token", Get).For(StaffRole.Viewer).WithTags("Blynk")
            .WithSummary("How telling the cloud of a device stands, without its token");
        api.MapPut("/devices/{device}/blynk-token", SetTokenAsync).For(StaffRole.Support).WithTags("Blynk").WithMetadata(new SmallBody(1024))
            .WithSummary("Keeps a device's token of its product's cloud, sealed; null forgets it");
    }

    public static async Task<Results<Ok<CloudView>, ProblemHttpResult>> SetAsync(
        string product, CloudChange asked, ProductCatalog products, ServerSettings settings, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (products.Find(product) is not { } found)
            return Problems.NotFound("product", product);
        Uri? url = null;
        if (asked.Url is not null)
        {
            if ((url = WebhookAddress.Read(asked.Url, settings.HttpWebhooks, out var reason)) is null)
                return Problems.Invalid(reason);
            if (url.Query.Length > 0)
                return Problems.Invalid("url is where the API begins, without a query (?); each device has a token of its own.");
        }

        var changed = await products.SetBlynkCloudAsync(found, url?.AbsoluteUri, user.Who(), cancellation);
        return TypedResults.Ok(new CloudView(changed.Name, changed.BlynkCloud));
    }

    private static Results<Ok<CloudTokenView>, ProblemHttpResult> Get(string device, Fleet fleet, ProductCatalog products, Database database) =>
        fleet.One(device, out var problem) is { } found
            ? TypedResults.Ok(View(found, products, database.Read(connection => BlynkCloudTable.Find(connection, found.Id))))
            : problem!;

    private static async Task<Results<Ok<CloudTokenView>, ProblemHttpResult>> SetTokenAsync(
        string device, CloudTokenChange asked, Fleet fleet, ProductCatalog products, Database database, MasterSecret master, TimeProvider time,
        ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        var (generation, cloud) = (found.Generation, products.Find(found.Product)!.BlynkCloud);
        if (asked.Token is not (null or { Length: > 0 and <= LongestToken }) || asked.Token?.All(IsTokenCharacter) == false)
            return Problems.Invalid($"token is 1 to {LongestToken} letters, digits or any of - _ . ~, as the cloud shows it.");
        if (asked.Token is not null && cloud is null)
            return Problems.Conflict("no-cloud", $"Product '{found.Product}' names no cloud; 'ota product blynk {found.Product} --url https://…' does.");
        if (asked.Token is not null && found.Decommissioned is not null)
            return Problems.Conflict("decommissioned", "This unit was decommissioned and has no identity.");

        var at = time.GetUtcNow().ToUnixTimeMilliseconds();
        var state = await database.WriteAsync(
            connection =>
            {
                Write(connection, found.Id, generation, cloud, asked.Token, master, at);
                AuditLog.Append(connection, at, user.Who(), "device.blynk-cloud-token", found.Id, asked.Token is null ? "forgotten" : "set");
                return BlynkCloudTable.Find(connection, found.Id);
            },
            cancellation);
        return TypedResults.Ok(View(found, products, state));
    }

    private static void Write(DbConnection connection, string device, long generation, string? cloud, string? token, MasterSecret master, long at)
    {
        if (token is null)
            BlynkCloudTable.Remove(connection, device);
        else if (!BlynkCloudTable.Set(connection, device, generation, cloud!, Sealed.Seal(token, device, master.BlynkCloudKey(device)), at))
            throw new StaleException();
    }

    private static CloudTokenView View(Device device, ProductCatalog products, CloudState? state)
    {
        var cloud = products.Find(device.Product)!.BlynkCloud;
        return state is not null && state.Url == cloud
            ? new CloudTokenView(device.Id, cloud, HasToken: true, state.Due, state.Told, state.Failed, state.Error)
            : new CloudTokenView(device.Id, cloud, HasToken: false, Due: null, LastTold: null, LastFailed: null, LastError: null);
    }

    private static bool IsTokenCharacter(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '~';
}
