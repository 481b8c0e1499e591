using System.Globalization;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Releases;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>GET of an action that is open, or that was installed: what to fetch.</summary>
internal static class DeploymentEndpoints
{
    private const string Forced = "forced";
    private const string Part = "os";

    public static async Task GetAsync(HttpContext context, Caller caller)
    {
        if (caller.Device.Open is { Offered: not null } open && HawkbitPolicy.ActionOf(open) == HawkbitEndpoints.ActionIn(context)
            && Find(context, HawkbitPolicy.ReleaseOf(open)) is { } release)
            await WriteAsync(context, HawkbitPolicy.ActionOf(open), release);
        else
            await HawkbitEndpoints.GoneAsync(context);
    }

    public static async Task GetInstalledAsync(HttpContext context, Caller caller)
    {
        var action = HawkbitEndpoints.ActionIn(context);
        if (action is { } number && context.RequestServices.GetRequiredService<ClientNotes>().Of(caller).Closed == number
            && context.RequestServices.GetRequiredService<Database>().Read(
                connection => DeploymentTable.Find(connection, HawkbitPolicy.DeploymentOf(number))) is { } deployment
            && deployment.Device == caller.Device.Id
            && Find(context, deployment.IsTwoStep && number % 2 == 1 ? deployment.Returns : deployment.Release) is { } release)
            await WriteAsync(context, number, release);
        else
            await HawkbitEndpoints.GoneAsync(context);
    }

    private static Release? Find(HttpContext context, string? release) =>
        context.RequestServices.GetRequiredService<ReleaseCatalog>().Find(release) is { Image.Deleted: null } found ? found : null;

    private static async Task WriteAsync(HttpContext context, long action, Release release)
    {
        if (await context.RequestServices.GetRequiredService<ImageHashes>().OfAsync(release.Image) is not { } hash)
        {
            await HawkbitEndpoints.GoneAsync(context);
            return;
        }

        var file = $"{release.Product}-{release.Version}.{hash.Suffix}";
        var image = HawkbitEndpoints.Link(context, $"/softwaremodules/{release.Image.Sha256}/artifacts/{Uri.EscapeDataString(file)}");
        var md5sum = new Href(image.Address + ArtifactEndpoint.Md5Sum);
        var links = context.Request.IsHttps ? new ArtifactLinks(image, md5sum, null, null) : new ArtifactLinks(null, null, image, md5sum);
        var artifact = new HawkbitArtifact(file, new ArtifactHashes(hash.Sha1, release.Image.Md5, release.Image.Sha256), release.Image.Size, links);
        await HawkbitEndpoints.WriteAsync(
            context,
            new DeploymentBase(
                action.ToString(CultureInfo.InvariantCulture),
                new HawkbitDeployment(Forced, Forced, [new HawkbitChunk(Part, release.Version, release.Product, [artifact])])),
            HawkbitJson.Default.DeploymentBase);
    }
}
