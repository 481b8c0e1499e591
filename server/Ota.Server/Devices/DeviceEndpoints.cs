using System.Security.Claims;
using Dapper;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Staff;
using Ota.Signing;

namespace Ota.Server.Devices;

/// <param name="Running">Null for a client that never told what it runs.</param>
/// <param name="RunningAssumed">True when it is only taken to run that, as its client does not say it.</param>
/// <param name="NextCheckInExpected">True when it was not told to ask then: it is what its product's poll lets expect of it.</param>
/// <param name="Slot">Null for a client that has none, as <paramref name="SecurityCounter"/> and <paramref name="LastOrder"/>.</param>
/// <param name="Uptime">Seconds; null when it does not tell, as <paramref name="FreeMemory"/>, <paramref name="RestartCause"/> and <paramref name="Restarts"/>.</param>
/// <param name="Dialect">How it speaks, if it is a client that was not written for this server; null for our agent.</param>
/// <param name="Protection">What it checks of an image before it runs it.</param>
/// <param name="Resumes">Whether a download that was cut goes on where it was.</param>
public record DeviceView(
    string Id,
    string Product,
    string HardwareId,
    string Hardware,
    string? Group,
    string? Running,
    bool RunningAssumed,
    string? Release,
    string? Slot,
    string State,
    int? SecurityCounter,
    long? LastOrder,
    DateTimeOffset? LastSeen,
    DateTimeOffset? NextCheckIn,
    bool NextCheckInExpected,
    DateTimeOffset Enrolled,
    long Generation,
    bool HandOverPending,
    int? Rssi,
    long? Uptime,
    long? FreeMemory,
    string? RestartCause,
    DateTimeOffset? RestartAt,
    long? Restarts,
    string? Zone,
    string? Dialect,
    string? Protection,
    bool Resumes);

/// <summary>One device with its story: what happened, oldest first, and its deployments, newest first.</summary>
public sealed record DeviceStory : DeviceView
{
    public DeviceStory(DeviceView device, IReadOnlyList<TimelineEntry> timeline, IReadOnlyList<DeploymentView> deployments)
        : base(device) => (Timeline, Deployments) = (timeline, deployments);

    public IReadOnlyList<TimelineEntry> Timeline { get; }

    public IReadOnlyList<DeploymentView> Deployments { get; }
}

public sealed record GroupChange(string? Group);

/// <param name="Zone">IANA name; null for the zone of the product's poll.</param>
public sealed record ZoneChange(string? Zone);

public sealed record HandOver(string? Reason);

internal static class DeviceEndpoints
{
    private const int LongestTimeline = 200;
    private const string GroupSql = "UPDATE devices SET group_name = @group WHERE id = @id";
    private const string ZoneSql = "UPDATE devices SET zone = @zone WHERE id = @id";
    private const string HandOverSql = "UPDATE devices SET handed_over = 1 WHERE id = @id";

    public static void MapDevices(this IEndpointRouteBuilder api)
    {
        var devices = api.MapGroup("/devices").WithTags("Devices");
        devices.MapGet("", List).For(StaffRole.Viewer).WithSummary("Devices in the order of their ids, a page at a time");
        devices.MapGet("/{device}", Get).For(StaffRole.Viewer).WithSummary("One device, by its id or hardware id, with its timeline");
        devices.MapPut("/{device}/group", GroupAsync).For(StaffRole.Support).WithSummary("Puts a device into a group, or into none");
        devices.MapPut("/{device}/zone", ZoneAsync).For(StaffRole.Support)
            .WithSummary("Says where a device stands, for the hours of rollouts; null for its product's poll");
        devices.MapPost("/{device}/hand-over", HandOverAsync).For(StaffRole.Support)
            .WithSummary("Lets the hardware enroll anew, with new secrets that revoke the old ones");
    }

    private static Results<Ok<DeviceView[]>, ProblemHttpResult> List(
        Fleet fleet,
        ProductCatalog products,
        string? product = null,
        string? group = null,
        string? state = null,
        string? search = null,
        int limit = 1000,
        string? after = null)
    {
        if (limit is < 1 or > 1000)
            return Problems.Invalid("limit is 1 to 1000.");
        if (product is not null && products.Find(product) is null)
            return Problems.NotFound("product", product);
        if (state is not null && state != Device.NoDeploymentYet && !DeploymentWords.IsOne(state))
            return Problems.Invalid($"state is {Device.NoDeploymentYet} or that of a deployment: {DeploymentWords.All}.");
        var plain = DeviceNames.Plain(search ?? "");
        var page = fleet.All
            .Where(device => (product is null || device.Product == product)
                && (group is null || device.Group == group)
                && (state is null || device.State == state)
                && (after is null || string.CompareOrdinal(device.Id, after) > 0)
                && (search is null || Matches(device, search, plain)))
            .OrderBy(device => device.Id, StringComparer.Ordinal)
            .Take(limit);
        return TypedResults.Ok(page.Select(View).ToArray());
    }

    public static Results<Ok<DeviceStory>, ProblemHttpResult> Get(string device, Fleet fleet, Database database, ReleaseCatalog releases)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        var (timeline, reports, deployments) = database.Read(connection => (
            Timeline.Latest(connection, found.Id, LongestTimeline),
            ReportLog.Latest(connection, found.Id, LongestTimeline).Reverse().ToArray(),
            DeploymentTable.Query(connection, new DeploymentFilter(null, found.Id, null, null, 50))));
        return TypedResults.Ok(new DeviceStory(
            View(found),
            [.. timeline.Concat(reports).OrderBy(entry => entry.At).TakeLast(LongestTimeline)],
            [.. deployments.Select(deployment => DeploymentEndpoints.View(deployment, releases))]));
    }

    public static async Task<Results<Ok<DeviceView>, ProblemHttpResult>> GroupAsync(
        string device, GroupChange asked, Fleet fleet, Database database, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        if (asked.Group is not null && Names.Fault(asked.Group) is { } fault)
            return Problems.Invalid("The group " + fault);
        using var held = await fleet.LockAsync(found, cancellation);
        await ChangeAsync(
            database, time, found, GroupSql, new { id = found.Id, group = asked.Group }, "device.group",
            asked.Group is null ? "Taken out of its group" : $"Put into group {asked.Group}", user, cancellation);
        found.Group = asked.Group;
        // Another group may be in a rollout that was none of its business before.
        found.Considered = null;
        return TypedResults.Ok(View(found));
    }

    private static async Task<Results<Ok<DeviceView>, ProblemHttpResult>> ZoneAsync(
        string device, ZoneChange asked, Fleet fleet, Database database, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        TimeZoneInfo? zone = null;
        if (asked.Zone is not null && (zone = ZonedTime.Find(asked.Zone, out var reason)) is null)
            return Problems.Invalid(reason);
        using var held = await fleet.LockAsync(found, cancellation);
        await ChangeAsync(
            database, time, found, ZoneSql, new { id = found.Id, zone = zone?.Id }, "device.zone",
            zone is null ? "Is where its product's poll is" : $"Is in {zone.Id}", user, cancellation);
        found.Zone = zone;
        found.Considered = null;
        return TypedResults.Ok(View(found));
    }

    public static async Task<Results<Ok<DeviceView>, ProblemHttpResult>> HandOverAsync(
        string device, Fleet fleet, Database database, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation, HandOver? asked = null)
    {
        if (asked?.Reason is { Length: > 500 })
            return Problems.Invalid("The reason has at most 500 characters.");
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        using var held = await fleet.LockAsync(found, cancellation);
        await ChangeAsync(
            database, time, found, HandOverSql, new { id = found.Id }, "device.hand-over",
            "Handed over: may enroll anew" + (asked?.Reason is { Length: > 0 } reason ? ": " + reason : ""), user, cancellation);
        found.HandedOver = true;
        return TypedResults.Ok(View(found));
    }

    private static Task ChangeAsync(
        Database database, TimeProvider time, Device device, string sql, object values, string action, string text,
        ClaimsPrincipal user, CancellationToken cancellation)
    {
        var at = time.GetUtcNow().ToUnixTimeMilliseconds();
        return database.WriteAsync(
            connection =>
            {
                connection.Execute(sql, values);
                // Not every column's change is noted by itself.
                if (database.IsShared)
                    Changes.NoteDevice(connection, device.Id);
                Timeline.Append(connection, device.Id, at, action["device.".Length..], text, user.Who());
                AuditLog.Append(connection, at, user.Who(), action, device.Id, text);
            },
            cancellation,
            device.Basis);
    }

    public static bool Matches(Device device, string search, string plain) =>
        device.Id.Contains(search, StringComparison.OrdinalIgnoreCase)
        || (plain.Length > 0 && device.PlainName.Contains(plain, StringComparison.Ordinal))
        || (device.Group?.Contains(search, StringComparison.OrdinalIgnoreCase) ?? false);

    public static DeviceView View(Device device)
    {
        var heard = device.Heard;
        var checkIn = heard?.CheckIn;
        // Our agent tells all of it, and means a zero that it says.
        var isOurs = device.Client is null;
        var started = isOurs || checkIn is { Restart.Count: > 0 } ? checkIn?.Restart : null;
        return new DeviceView(
            device.Id,
            device.Product,
            device.HardwareId,
            device.Hardware,
            device.Group,
            device.Running,
            device.IsRunningAssumed,
            checkIn?.Release,
            isOurs ? checkIn?.Slot.Word() : null,
            device.State,
            isOurs ? checkIn?.SecurityCounter ?? 0 : null,
            isOurs ? checkIn?.LastOrder ?? 0 : null,
            heard?.At,
            heard?.Next,
            device.Client is { Dialect.TellsWhen: false } && heard is not null,
            device.Enrolled,
            device.Generation,
            device.HandedOver,
            checkIn is null or { Rssi: 0 } ? null : checkIn.Rssi,
            isOurs || checkIn is { Uptime: > 0 } ? checkIn?.Uptime : null,
            isOurs || checkIn is { FreeMemory: > 0 } ? checkIn?.FreeMemory : null,
            started?.Cause,
            checkIn is { Restart.At: > 0 and < 253402300800 } ? DateTimeOffset.FromUnixTimeSeconds(checkIn.Restart.At) : null,
            started?.Count,
            device.Zone?.Id,
            device.Client?.Dialect.Name,
            ProtectionWords.Of(device.Client?.Protection ?? Protection.Signature),
            device.Client?.Dialect.Resumes ?? true);
    }
}
