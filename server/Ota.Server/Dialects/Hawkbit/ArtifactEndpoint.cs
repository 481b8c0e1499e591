using System.Text;
using Microsoft.Net.Http.Headers;
using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Releases;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>GET and HEAD of an image, in parts as well, and of its MD5 in the format of md5sum.</summary>
internal static class ArtifactEndpoint
{
    public const string Module = "module";
    public const string File = "file";
    public const string Md5Sum = ".MD5SUM";

    public static async Task GetAsync(HttpContext context, Caller caller)
    {
        var desk = context.RequestServices.GetRequiredService<DialectDesk>();
        var sha256 = (string)context.Request.RouteValues[Module]!;
        var file = (string)context.Request.RouteValues[File]!;
        if (await BeginsAnewAsync(context, caller, sha256) || desk.Fetchable(caller, sha256) is not { } release)
            context.Response.StatusCode = StatusCodes.Status404NotFound;
        else if (file.EndsWith(Md5Sum, StringComparison.Ordinal))
            await WriteMd5Async(context, release, file[..^Md5Sum.Length]);
        else
            await desk.ServeImmutableAsync(context, caller, release);
    }

    /// <summary>What tells one state of an action from another, as hawkBit's own <c>?c=</c> does.</summary>
    public static string Tag(Deployment open) => $"?c={HawkbitPolicy.ReleaseOf(open)?[..8]}";

    // A client that has all of it and fetches all of it once more could not install it; the server counts how often. True when that is enough.
    private static async Task<bool> BeginsAnewAsync(HttpContext context, Caller caller, string sha256)
    {
        if (!HttpMethods.IsGet(context.Request.Method) || context.Request.Headers.ContainsKey(HeaderNames.Range)
            || caller.Device.Open is not { IsTwoStep: false, State: DeploymentState.Downloaded } open
            || context.RequestServices.GetRequiredService<ReleaseCatalog>().Find(open.Release)?.Image.Sha256 != sha256)
            return false;
        var note = context.RequestServices.GetRequiredService<ClientNotes>().Of(caller);
        var answer = await context.RequestServices.GetRequiredService<DialectDesk>().AskAsync(
            caller, ClientAttributes.Says(context.Request.Headers, note.Attributes) is { Version: not null } says ? says : new ClientSays(KeptVersion(caller)));
        return answer?.Release is null;
    }

    private static string? KeptVersion(Caller caller) => caller.Device.Heard?.CheckIn.Running;

    private static async Task WriteMd5Async(HttpContext context, Release release, string file)
    {
        var line = Encoding.UTF8.GetBytes($"{release.Image.Md5}  {file}\n");
        context.Response.ContentType = "text/plain";
        context.Response.ContentLength = line.Length;
        if (HttpMethods.IsGet(context.Request.Method))
            await context.Response.Body.WriteAsync(line, context.RequestAborted);
    }
}
