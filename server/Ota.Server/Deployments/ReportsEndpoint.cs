using System.Data.Common;
using System.Globalization;
using System.Text.Json.Serialization;
using System.Text.Json;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Pins;
using Ota.Server.Telemetry;

namespace Ota.Server.Deployments;

/// <summary>One thing a device reports (docs/protocol.md §3.4).</summary>
/// <param name="Seq">The device's own number for it; sent again it counts once.</param>
/// <param name="At">Unix seconds by the device's clock, 0 if that was not set.</param>
public sealed record Report(long Seq, long At, string? Deployment, string? State, string? Detail);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Report[]))]
internal sealed partial class ReportJson : JsonSerializerContext;

/// <summary>POST /agent/v1/reports: answered once every report of the batch is on disk.</summary>
internal static class ReportsEndpoint
{
    public const int MaximumSize = 64 * 1024;
    public const int MostReports = 500;

    public static async Task ReportAsync(HttpContext context)
    {
        var services = context.RequestServices;
        if (await services.GetRequiredService<DeviceAuthentication>().AuthenticateAsync(context.Request) is not { } caller)
        {
            await DeviceAuthentication.RefuseAsync(context);
            return;
        }

        if (!JsonBody.IsJson(context.Request))
        {
            await Problems.WriteAsync(context, JsonBody.WrongType());
            return;
        }

        if (await BoundedBody.ReadAsync(context.Request, MaximumSize, context.RequestAborted) is not { } body)
        {
            await Problems.WriteAsync(context, Problems.Of(
                413, "too-large", "The request is too large", $"A batch of reports has at most {MaximumSize} bytes."));
            return;
        }

        if (Read(body.Span, out var reason) is not { } reports)
        {
            await Problems.WriteAsync(context, Problems.Invalid(reason));
            return;
        }

        // Once begun it is finished, whether or not the device still listens.
        if (!await services.GetRequiredService<ReportLog>().AddAsync(caller, reports, CancellationToken.None))
        {
            await DeviceAuthentication.RefuseAsync(context);
            return;
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static Report[]? Read(ReadOnlySpan<byte> json, out string reason)
    {
        Report[]? reports;
        try
        {
            reports = JsonSerializer.Deserialize(json, ReportJson.Default.ReportArray);
        }
        catch (JsonException fault)
        {
            reason = $"The body is not an array of reports: its JSON cannot be read at '{fault.Path ?? "$"}'.";
            return null;
        }

        if (reports is null or { Length: > MostReports })
        {
            reason = $"The body is an array of at most {MostReports} reports.";
            return null;
        }

        reason = reports.Select(Fault).FirstOrDefault(fault => fault is not null) ?? "";
        return reason.Length > 0 ? null : [.. reports.Select(Kept)];
    }

    // PostgreSQL keeps no zero character, and a refusal would be sent again and again, with all that the device has to say after it.
    private static Report Kept(Report report) =>
        report.Detail?.Contains('\0', StringComparison.Ordinal) == true ? report with { Detail = report.Detail.Replace('\0', '\uFFFD') } : report;

    private static string? Fault(Report? report) => report switch
    {
        null => "A report is null.",
        { Seq: < 0 } or { At: < 0 } => "seq and at are not negative.",
        { Deployment: null or { Length: > 32 } } => "deployment is the one in the order, at most 32 characters.",
        _ when !DeploymentProgress.IsReportable(report.State) =>
            "state is one of accepted, downloading, downloaded, trial, confirmed, reverted, refused, failed.",
        { Detail.Length: > 200 } => "detail has at most 200 characters.",
        _ => null,
    };
}

/// <summary>Keeps reports and lets them move the device's open deployment.</summary>
internal sealed class ReportLog(Fleet fleet, Database database, SystemPinWriter pins, Meters meters, TimeProvider time, ILogger<ReportLog> logger)
{
    private const string InsertSql =
        """
        INSERT INTO reports (device, seq, at, deployment, state, detail, received)
        VALUES (@Device, @Seq, @At, @Deployment, @State, @Detail, @Received) ON CONFLICT (device, seq) DO NOTHING
        """;

    private const string NextSql = "SELECT COALESCE(max(seq), 0) + 1 FROM reports WHERE device = @device";

    private const long Unnumbered = -1;
    /// <summary>In characters; what is longer is cut.</summary>
    public const int LongestDetail = 200;

    // Progress is shown by the deployment itself; a line for each percent would drown the rest.
    private const string LatestSql =
        """
        SELECT received AS at, deployment, state, detail FROM reports
        WHERE device = @device AND state <> 'downloading' ORDER BY received DESC, seq DESC LIMIT @limit
        """;

    private const string DetailSql =
        """
        SELECT detail FROM reports WHERE device = @device AND deployment = @deployment AND detail LIKE @part ORDER BY seq DESC LIMIT 1
        """;

    /// <summary>The last detail that a device reported of a deployment, of those with this in them.</summary>
    /// <param name="part">Without a sign that means something to LIKE.</param>
    public static string? LastDetail(DbConnection connection, string device, long deployment, string part) =>
        connection.QueryFirstOrDefault<string>(
            DetailSql, new { device, deployment = deployment.ToString(CultureInfo.InvariantCulture), part = $"%{part}%" });

    /// <summary>Keeps what a client reports that does not number its reports.</summary>
    public Task<bool> AddAsync(Caller caller, long deployment, string state, string? detail, CancellationToken cancellation) =>
        AddAsync(
            caller,
            [
                new Report(
                    Unnumbered, At: 0, deployment.ToString(CultureInfo.InvariantCulture), state,
                    detail is null ? null : ShortText.Start(detail, LongestDetail)),
            ],
            cancellation);

    /// <summary>Ends a client's open deployment by what the server saw, as the client itself says nothing of it; the timeline says who did.</summary>
    public Task<bool> ConcludeAsync(Caller caller, long deployment, string state, string detail, CancellationToken cancellation) =>
        StaleException.RetryAsync(() => MoveAsync(
            caller, (connection, device, now) => Conclude(connection, device, deployment, state, ShortText.Start(detail, LongestDetail), now), cancellation));

    /// <summary>Keeps what a device reports; false when it has enrolled anew since it was asked who it is.</summary>
    public Task<bool> AddAsync(Caller caller, IReadOnlyList<Report> reports, CancellationToken cancellation) =>
        StaleException.RetryAsync(() => MoveAsync(caller, (connection, device, now) => Write(connection, device, reports, now), cancellation));

    private async Task<bool> MoveAsync(Caller caller, Func<DbConnection, Device, DateTimeOffset, Deployment?> write, CancellationToken cancellation)
    {
        var device = caller.Device;
        using var held = await fleet.LockAsync(device, cancellation);
        if (caller.IsStale)
            return false;
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var moved = await database.WriteAsync(connection => write(connection, device, now), cancellation, device.Basis);
        if (moved is null)
            return true;
        device.State = DeploymentWords.Shown(moved);
        device.Open = moved.State.IsOver() ? null : moved;
        Decommission.Apply(device, moved);
        pins.Moved(device, moved);
        if (moved.State.IsOver())
            DeploymentLog.Ended(logger, meters, moved);
        return true;
    }

    /// <summary>What the device reported, as timeline entries; the latest.</summary>
    public static IEnumerable<TimelineEntry> Latest(DbConnection connection, string device, int limit) =>
        connection.Query<(long At, string Deployment, string State, string? Detail)>(LatestSql, new { device, limit })
            .Select(row => new TimelineEntry(
                DateTimeOffset.FromUnixTimeMilliseconds(row.At),
                row.State,
                $"The device says {row.State}" + (string.IsNullOrEmpty(row.Detail) ? "" : ": " + row.Detail),
                By: null));

    /// <summary>The open deployment as these reports leave it, or null when they change nothing about it.</summary>
    private static Deployment? Write(DbConnection connection, Device device, IReadOnlyList<Report> reports, DateTimeOffset now)
    {
        var open = device.Open;
        foreach (var report in reports)
        {
            if (report.State == "refused" && Order.KeysCounter(report.Deployment!) is { } counter)
                device.RefusedKeys = counter;
            // Where it is written, or two at once would have one number, and the second count as the first sent again.
            var seq = report.Seq == Unnumbered ? connection.ExecuteScalar<long>(NextSql, new { device = device.Id }) : report.Seq;
            var isNew = connection.ExecuteKept(
                InsertSql,
                ("@Device", device.Id),
                ("@Seq", seq),
                ("@At", report.At),
                ("@Deployment", report.Deployment),
                ("@State", report.State),
                ("@Detail", report.Detail),
                ("@Received", now.ToUnixTimeMilliseconds())) > 0;
            if (isNew && open is not null && Concerns(report, open) && After(open, report.State!) is { } state)
                open = open with { State = state, Detail = report.Detail, Ended = state.IsOver() ? now : null };
        }

        return open is null || open == device.Open ? null : Save(connection, device, open, now);
    }

    private static Deployment? Conclude(DbConnection connection, Device device, long deployment, string reported, string detail, DateTimeOffset now)
    {
        if (device.Open is not { } open || open.Id != deployment || After(open, reported) is not { } state)
            return null;
        // How a recovery ended is said in any case.
        if (open.Action == DeploymentAction.Install)
            Timeline.Append(connection, device.Id, now.ToUnixTimeMilliseconds(), reported, $"The server says {reported}: {detail}");
        return Save(connection, device, open with { State = state, Detail = detail, Ended = state.IsOver() ? now : null }, now);
    }

    // The steps of a recovery of a client without orders follow from what was fetched and what runs; a report can only end it.
    private static DeploymentState? After(Deployment open, string reported) =>
        open.IsTwoStep && reported != "failed" ? null : DeploymentProgress.AfterReport(open.Action, open.State, reported);

    private static Deployment Save(DbConnection connection, Device device, Deployment open, DateTimeOffset now)
    {
        DeploymentTable.Update(connection, open);
        Decommission.Write(connection, open);
        DeploymentEvents.Append(connection, open);
        if (open.Action != DeploymentAction.Install && open.State.IsOver())
        {
            Timeline.Append(
                connection, device.Id, now.ToUnixTimeMilliseconds(), DeploymentWords.Shown(open), DeploymentWords.Ending(open));
        }

        connection.Execute(DeviceTable.DecidedSql, new { device.Id, device.OrderNumber, device.Instruction, State = DeploymentWords.Shown(open) });
        return open;
    }

    // A refusal of an order whose deployment the device could not believe names none; it can only be about the open one.
    private static bool Concerns(Report report, Deployment open) =>
        report.Deployment == open.Id.ToString(CultureInfo.InvariantCulture)
        || (report.Deployment is "" && report.State == "refused");
}
