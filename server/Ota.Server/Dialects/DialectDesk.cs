using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Images;
using Ota.Server.Products;
using Ota.Server.Releases;

namespace Ota.Server.Dialects;

/// <summary>What a client that asked is to get.</summary>
/// <param name="Release">Null for nothing: it keeps what it runs.</param>
/// <param name="Deployment">The one that this belongs to, as it stands now.</param>
/// <param name="AskAgain">When it had better ask the next time.</param>
internal sealed record DialectAnswer(Release? Release, Deployment? Deployment, TimeSpan AskAgain);

/// <summary>
/// The one way from a dialect into the server: an ask is a check-in like any other, and an image that goes out is followed to its last byte.
/// </summary>
internal sealed class DialectDesk(
    CheckInFlow flow, ClientDownloads downloads, ReportLog reports, ProductCatalog products, ReleaseCatalog releases, IImageStore images, TimeProvider time)
{
    private const string NotKept = "no-store";

    /// <summary>Null when it has another identity since it was asked who it is: refuse it.</summary>
    public async Task<DialectAnswer?> AskAsync(Caller caller, ClientSays says)
    {
        var device = caller.Device;
        await downloads.SettleAsync(device);
        var checkIn = ClientCheckIn.Of(
            device, products.Find(device.Product)!, says, releases.ReleasesFor(device.Product, device.Hardware), time.GetUtcNow());
        if (flow.Hold(caller, checkIn) is { } wait)
            return new DialectAnswer(Release: null, Deployment: null, wait);
        // Once begun it is finished, whether or not the client still listens.
        return await flow.DecideAsync(caller, checkIn, CancellationToken.None) is { } decision
            ? new DialectAnswer(decision.HandsOut, decision.Deployment, decision.RetryAfter)
            : null;
    }

    /// <summary>Notes that a client is told to ask again after another time than its ask was answered with.</summary>
    public void Expect(Caller caller, TimeSpan wait) => flow.Expect(caller, wait);

    /// <summary>Ends a deployment by what the server saw of a client, or cannot do for it: reverted, failed.</summary>
    public Task<bool> ConcludeAsync(Caller caller, long deployment, string state, string detail) =>
        reports.ConcludeAsync(caller, deployment, state, detail, CancellationToken.None);

    /// <summary>
    /// Keeps what a client reports of a deployment, as our agent does: accepted, downloading, downloaded, reverted, refused,
    /// failed. That it confirms something is for an ask to say.
    /// </summary>
    public Task<bool> ReportAsync(Caller caller, long deployment, string state, string? detail) =>
        reports.AddAsync(caller, deployment, state, detail, CancellationToken.None);

    /// <summary>Until what follows from the last byte that went out to a client is noted.</summary>
    public Task SettleAsync(Caller caller) => downloads.SettleAsync(caller.Device);

    /// <summary>The release by which a client may fetch this image; null when it may not.</summary>
    public Release? Fetchable(Caller caller, string sha256) => downloads.Fetchable(caller.Device, sha256);

    /// <summary>Serves the image of a release in answer to an ask: nobody may keep the answer.</summary>
    public Task ServeAsync(HttpContext context, Caller caller, Release release) => ServeAsync(context, caller, release, NotKept);

    /// <summary>Serves it under an address that names the image.</summary>
    public Task ServeImmutableAsync(HttpContext context, Caller caller, Release release) =>
        ServeAsync(context, caller, release, ImageEndpoints.Immutable);

    private async Task ServeAsync(HttpContext context, Caller caller, Release release, string cacheControl)
    {
        var delivered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            await ImageEndpoints.ServeAsync(
                context,
                images,
                new StoredImage(release.Image.Sha256, release.Image.Md5, release.Image.Size),
                new Handout(
                    cacheControl,
                    first => ClientDownloads.MayGoOn(caller, release, first),
                    (first, end) => ClientDownloads.Went(caller, release, first, end),
                    MayEndAsync,
                    () => downloads.EndedAsync(caller, release)));
        }
        finally
        {
            delivered.SetResult();
        }

        async Task<bool> MayEndAsync()
        {
            if (!await downloads.MayEndAsync(caller, release))
                return false;
            // Before the last byte is gone: who has it may ask at once.
            caller.Device.Delivering = delivered.Task;
            return true;
        }
    }
}
