using System.Globalization;
using System.Text.Json;
using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;

namespace Ota.Server.Dialects.Mender;

/// <summary>
/// What there is to install: 200, or 204 for nothing. The name of the artifact that runs is the version that runs; a client asks only when it is
/// through with what it had.
/// </summary>
internal static class NextEndpoint
{
    private const int MaximumSize = 64 * 1024;
    private const string Return = "-return";

    public static async Task PostAsync(HttpContext context, Caller caller)
    {
        if (await ClientBody.ReadAsync(context, MaximumSize, MenderJson.Default.NextBody) is { } body)
            await AnswerAsync(context, caller, body.DeviceProvides?.ArtifactName ?? body.ArtifactName, body.DeviceProvides?.DeviceType ?? body.DeviceType);
    }

    public static Task GetAsync(HttpContext context, Caller caller) =>
        AnswerAsync(context, caller, One(context.Request.Query["artifact_name"]), One(context.Request.Query["device_type"]));

    /// <summary>A deployment as its client names it: the way back from a recovery is another one to it.</summary>
    public static string NameOf(Deployment open) =>
        open.Id.ToString(CultureInfo.InvariantCulture) + (open is { IsTwoStep: true, State: DeploymentState.AwaitingReturn } ? Return : "");

    /// <summary>The number in such a name; null when it is none.</summary>
    public static long? DeploymentIn(string? name) =>
        name is not null && long.TryParse(
            name.EndsWith(Return, StringComparison.Ordinal) ? name[..^Return.Length] : name, NumberStyles.None, CultureInfo.InvariantCulture, out var id)
            ? id
            : null;

    /// <summary>Asks as a client that says this version; null when it was answered, as it is to be refused.</summary>
    public static async Task<DialectAnswer?> AskAsync(HttpContext context, Caller caller, string? version)
    {
        var desk = context.RequestServices.GetRequiredService<DialectDesk>();
        var note = context.RequestServices.GetRequiredService<ClientNotes>().Of(caller);
        var says = ClientAttributes.Says(context.Request.Headers, note.Attributes);
        says = says with { Version = string.IsNullOrEmpty(version) ? says.Version : version };
        var answer = await desk.AskAsync(caller, says with { IsBusy = caller.Device.Open?.State == DeploymentState.Trial });
        // It commits before it tells of success, and then the name is the new one.
        if (answer is not null && caller.Device.Open is { State: DeploymentState.Trial } open)
        {
            await desk.ConcludeAsync(caller, open.Id, "reverted", $"it told of success and says {says.Version}; an artifact's name must be its release's version");
            answer = await desk.AskAsync(caller, says);
        }

        if (answer is null)
            await DialectAuthentication.RefuseAsync(context);
        return answer;
    }

    private static async Task AnswerAsync(HttpContext context, Caller caller, string? version, string? deviceType)
    {
        if (await AskAsync(context, caller, version) is not { } answer)
            return;
        if (answer is not { Release: { } release, Deployment: { } open })
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        // Its own words: whether the file is for it, the file itself says.
        var types = string.IsNullOrEmpty(deviceType) || deviceType.Length > 256 ? release.Hardware : [deviceType];
        var next = new NextAnswer(NameOf(open), new NextArtifact(release.Version, types, ArtifactLink.To(context, caller, release.Image.Sha256)));
        var bytes = JsonSerializer.SerializeToUtf8Bytes(next, MenderJson.Default.NextAnswer);
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = bytes.Length;
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(bytes, context.RequestAborted);
    }

    private static string? One(Microsoft.Extensions.Primitives.StringValues values) => values is [{ Length: > 0 and <= 256 } value] ? value : null;
}
