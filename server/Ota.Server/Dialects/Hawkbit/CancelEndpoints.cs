using System.Globalization;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Http;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>
/// What a client is told that was shown an action which is over on the server: to stop, until it has said how it takes that. Nothing hangs on its
/// answer; what it runs after all is seen when it says so.
/// </summary>
internal static class CancelEndpoints
{
    public static Task GetAsync(HttpContext context, Caller caller)
    {
        if (!IsShown(context, caller))
            return HawkbitEndpoints.GoneAsync(context);
        var id = HawkbitEndpoints.ActionIn(context)!.Value.ToString(CultureInfo.InvariantCulture);
        return HawkbitEndpoints.WriteAsync(context, new CancelBase(id, new CancelWhat(id)), HawkbitJson.Default.CancelBase);
    }

    public static async Task PostAsync(HttpContext context, Caller caller)
    {
        if (await ClientBody.ReadAsync(context, FeedbackEndpoint.MaximumSize, HawkbitJson.Default.FeedbackBody) is not { } body)
            return;
        if (Feedback.Of(body, DeploymentState.Ordered, out var reason) is not { } feedback)
            await Problems.WriteAsync(context, Problems.Invalid(reason));
        else if (!IsShown(context, caller))
            await HawkbitEndpoints.GoneAsync(context);
        else if (feedback.Word is Feedback.Done or Feedback.Failed or Feedback.Refused)
            await context.RequestServices.GetRequiredService<ClientNotes>().ChangeAsync(caller, note => note with { Action = 0 });
    }

    private static bool IsShown(HttpContext context, Caller caller) =>
        HawkbitEndpoints.ActionIn(context) is > 0 and { } action
        && context.RequestServices.GetRequiredService<ClientNotes>().Of(caller).Action == action
        && caller.Device.Open?.Id != HawkbitPolicy.DeploymentOf(action);
}
