using System.Data.Common;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Http;

namespace Ota.Server.Dialects.Mender;

/// <summary>PUT of how a deployment goes, and of its log.</summary>
internal static class StatusEndpoints
{
    private const int MaximumSize = 4 * 1024;
    private const int LongestLog = 1024 * 1024;
    private const int LongestText = 400;

    // A client tells a log once; what it tells again because the line broke is one more.
    private const int MostLogs = 3;
    private const string LogsSql = "SELECT count(*) FROM timeline WHERE device = @device AND kind = 'log' AND at >= @since";

    public static async Task StatusAsync(HttpContext context, Caller caller)
    {
        if (await ClientBody.ReadAsync(context, MaximumSize, MenderJson.Default.StatusBody) is not { } body)
            return;
        var word = body.Status switch
        {
            "downloading" => "downloading",
            "installing" or "rebooting" or "pause_before_installing" or "pause_before_committing" or "pause_before_rebooting" => "downloaded",
            "success" or "already-installed" => "trial",
            "failure" => "failed",
            _ => null,
        };
        if (word is null)
        {
            await Problems.WriteAsync(context, Problems.Invalid("status is one of downloading, installing, rebooting, success, failure, already-installed."));
            return;
        }

        var desk = context.RequestServices.GetRequiredService<DialectDesk>();
        await desk.SettleAsync(caller);
        var isOpen = caller.Device.Open is { } open && IsNamed(context, open);
        if (isOpen && !await ReportAsync(desk, caller, caller.Device.Open!, word, Detail(body)))
            await DialectAuthentication.RefuseAsync(context);
        // 409 is how it learns that it is to stop; what is over by its own word needs none.
        else if (!isOpen && word is not ("trial" or "failed"))
            await Problems.WriteAsync(context, Problems.Conflict("aborted", "This deployment is not open for this device."));
        else
            context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    /// <summary>Of the log of a deployment of its own the errors come into the device's timeline; the rest is let go.</summary>
    public static async Task LogAsync(HttpContext context, Caller caller)
    {
        if (await ClientBody.ReadAsync(context, LongestLog, MenderJson.Default.LogBody) is not { } body)
            return;
        var services = context.RequestServices;
        var errors = (body.Messages ?? []).Where(message => message?.Level is "error" or "fatal" or "panic" && message.Message is not null)
            .Select(message => message!.Message!.Trim());
        var text = string.Join("; ", errors).Replace('\0', '\uFFFD');
        if (text.Length > 0)
        {
            var at = services.GetRequiredService<TimeProvider>().GetUtcNow().ToUnixTimeMilliseconds();
            var line = "The device's log says: " + (text.Length > LongestText ? "…" + ShortText.End(text, LongestText) : text);
            await services.GetRequiredService<Database>().WriteAsync(
                connection =>
                {
                    if (IsToBeKept(connection, caller.Device.Id, (string?)context.Request.RouteValues[MenderEndpoints.Deployment]))
                        Timeline.Append(connection, caller.Device.Id, at, "log", line);
                },
                CancellationToken.None);
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private static bool IsToBeKept(DbConnection connection, string device, string? named) =>
        NextEndpoint.DeploymentIn(named) is { } id && DeploymentTable.Find(connection, id) is { } deployment && deployment.Device == device
        && connection.ExecuteScalar<long>(LogsSql, new { device, since = deployment.Created.ToUnixTimeMilliseconds() }) < MostLogs;

    // The steps of a recovery follow from what was fetched and what runs; a client can only end it.
    private static Task<bool> ReportAsync(DialectDesk desk, Caller caller, Deployment open, string word, string? detail) =>
        open.IsTwoStep && word != "failed" ? Task.FromResult(true) : desk.ReportAsync(caller, open.Id, word, detail);

    private static bool IsNamed(HttpContext context, Deployment open) =>
        (string?)context.Request.RouteValues[MenderEndpoints.Deployment] == NextEndpoint.NameOf(open);

    private static string? Detail(StatusBody body) =>
        body.Status == "rebooting" ? "rebooting" : string.IsNullOrWhiteSpace(body.Substate) ? null : body.Substate.Replace('\0', '\uFFFD');
}
