using System.Globalization;
using System.Text.Json;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Http;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>What a client's feedback is to the server.</summary>
/// <param name="Word">What its device is taken to report.</param>
internal sealed record Feedback(string Word, string? Detail)
{
    public const string Done = "trial";
    public const string Failed = "failed";
    public const string Refused = "refused";
    private const int LongestDetail = 200;

    /// <summary>Reads a feedback; null and a sentence when it is none.</summary>
    public static Feedback? Of(FeedbackBody body, DeploymentState state, out string reason)
    {
        reason = "";
        var status = body.Status;
        var word = (status?.Execution?.ToLowerInvariant(), status?.Result?.Finished?.ToLowerInvariant()) switch
        {
            (null, _) => null,
            (_, not (null or "none" or "success" or "failure")) => null,
            ("closed", "failure") => Failed,
            ("closed", _) => Done,
            ("rejected" or "canceled", _) => Refused,
            ("scheduled", _) => "accepted",
            ("downloaded", _) => "downloaded",
            // A later word than the last byte of the image, and shown as such.
            ("proceeding" or "resumed" or "download", _) => state == DeploymentState.Downloaded ? "downloaded" : "downloading",
            _ => null,
        };
        if (word is not null)
            return new Feedback(word, DetailOf(status!));
        reason = "status.execution is one of closed, proceeding, canceled, scheduled, rejected, resumed, downloaded, download; "
            + "status.result.finished is one of success, failure, none.";
        return null;
    }

    // SWUpdate tells errors last.
    private static string? DetailOf(FeedbackStatus status)
    {
        var texts = status.Details.ValueKind switch
        {
            JsonValueKind.String => [JsonText.Of(status.Details)],
            JsonValueKind.Array => status.Details.EnumerateArray().Select(JsonText.Of),
            _ => Enumerable.Empty<string?>(),
        };
        var text = string.Join("; ", texts.Select(text => text?.Trim()).Where(text => !string.IsNullOrEmpty(text)));
        if (status.Result?.Progress is { Cnt: { } done, Of: > 0 and { } of } && double.IsFinite(done))
            text = string.Create(CultureInfo.InvariantCulture, $"{done} of {of}{(text.Length > 0 ? ": " : "")}{text}");
        return text.Length == 0 ? null : ShortText.End(text, LongestDetail);
    }
}

/// <summary>POST of feedback to an action: 410 when it is not the open one.</summary>
internal static class FeedbackEndpoint
{
    public const int MaximumSize = 64 * 1024;
    private const string LastError = "LastError: ";

    public static async Task PostAsync(HttpContext context, Caller caller)
    {
        if (await ClientBody.ReadAsync(context, MaximumSize, HawkbitJson.Default.FeedbackBody) is not { } body)
            return;
        var services = context.RequestServices;
        var desk = services.GetRequiredService<DialectDesk>();
        // Who has the last byte of an image may be here before that is noted.
        await desk.SettleAsync(caller);
        var open = caller.Device.Open;
        if (Feedback.Of(body, open?.State ?? DeploymentState.Ordered, out var reason) is not { } feedback)
        {
            await Problems.WriteAsync(context, Problems.Invalid(reason));
            return;
        }

        var action = HawkbitEndpoints.ActionIn(context);
        if (feedback.Word is Feedback.Done or Feedback.Failed or Feedback.Refused)
            await CloseAsync(services, caller, action, open, feedback);
        if (open is not { Offered: not null } || HawkbitPolicy.ActionOf(open) != action)
            await HawkbitEndpoints.GoneAsync(context);
        else
            await TakeAsync(context, caller, open, feedback);
    }

    // Also for an action that is over here: the client, too, is through with it.
    private static Task<ClientNote> CloseAsync(IServiceProvider services, Caller caller, long? action, Deployment? open, Feedback feedback)
    {
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var isDone = feedback.Word == Feedback.Done && open is not null && HawkbitPolicy.ActionOf(open) == action && HawkbitPolicy.MayBeDone(open);
        return services.GetRequiredService<ClientNotes>().ChangeAsync(caller, note =>
            isDone ? note with { Action = 0, Closed = action!.Value, At = note.Closed == action ? note.At : now }
            : note.Action == action ? note with { Action = 0 }
            : note);
    }

    private static async Task TakeAsync(HttpContext context, Caller caller, Deployment open, Feedback feedback)
    {
        var desk = context.RequestServices.GetRequiredService<DialectDesk>();
        if (feedback.Word == Feedback.Failed)
            feedback = feedback with { Detail = Why(context, open, feedback.Detail) };
        // The steps of a recovery follow from what was fetched and what runs; a client can only end it.
        var isTaken = feedback.Word switch
        {
            Feedback.Failed or Feedback.Refused when open.IsTwoStep => await desk.ReportAsync(caller, open.Id, Feedback.Failed, feedback.Detail),
            _ when open.IsTwoStep => true,
            _ => await desk.ReportAsync(caller, open.Id, feedback.Word, feedback.Detail),
        };
        if (isTaken && feedback.Word == Feedback.Done)
        {
            var note = context.RequestServices.GetRequiredService<ClientNotes>().Of(caller);
            var says = ClientAttributes.Says(context.Request.Headers, note.Attributes);
            isTaken = await HawkbitAsk.HearAsync(context, caller, note, says) is not null;
        }

        if (!isTaken)
            await DialectAuthentication.RefuseAsync(context);
    }

    // RAUC's client says why on the way, and at the end only that it failed.
    private static string? Why(HttpContext context, Deployment open, string? detail)
    {
        var told = context.RequestServices.GetRequiredService<Database>().Read(
            connection => ReportLog.LastDetail(connection, open.Device, open.Id, LastError));
        // LIKE takes any case on one of the databases.
        if (told?.IndexOf(LastError, StringComparison.OrdinalIgnoreCase) is not { } at)
            return detail;
        var end = string.IsNullOrEmpty(detail) ? "" : "; " + detail;
        return ShortText.Start(told[(at + LastError.Length)..], Math.Max(1, ReportLog.LongestDetail - end.Length)) + end;
    }
}
