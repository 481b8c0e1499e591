using System.Data.Common;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Pins;
using Ota.Server.Recovery;
using Ota.Server.Releases;
using Ota.Signing;

namespace Ota.Server.CheckIns;

/// <summary>
/// Follows how images go out to clients that are not ours and send no reports: which may begin, whether the last byte may go out, and that it
/// did. A recovery build's last byte goes out at most once (docs/states.md).
/// </summary>
internal sealed class ClientDownloads(Fleet fleet, ReleaseCatalog releases, Database database, SystemPinWriter pins, TimeProvider time)
{
    // A client that never takes its last byte must not keep itself from asking.
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(5);

    /// <summary>
    /// The release by which this client may fetch an image: of its open deployment, else any application of its product; null when it may not.
    /// </summary>
    public Release? Fetchable(Device device, string sha256)
    {
        var all = releases.ReleasesFor(device.Product, device.Hardware);
        if (device.Open is { } open)
        {
            foreach (var id in new[] { open.Release, open.IsTwoStep ? open.Returns : null })
            {
                if (all.Find(id) is { } ordered && ordered.Image.Sha256 == sha256 && ordered.Image.Deleted is null)
                    return MayBegin(open, ordered) ? ordered : null;
            }
        }

        return all.WithImage(sha256).FirstOrDefault(release =>
            release is { Kind: ReleaseStatement.ApplicationKind, Withdrawn: null, Image.Deleted: null } && release.Image.Sha256 == sha256);
    }

    /// <summary>Whether the last byte of a release may go out; what must be on disk before that is.</summary>
    public Task<bool> MayEndAsync(Caller caller, Release release) =>
        StaleException.RetryAsync(async () =>
        {
            using var held = await fleet.LockAsync(caller.Device, CancellationToken.None);
            if (caller.IsStale)
                return false;
            // A recovery build goes out for its own recovery, which may be over since it began to.
            if (caller.Device.Open is not { IsTwoStep: true } open || (release.Id != open.Release && release.Id != open.Returns))
                return release.Kind == ReleaseStatement.ApplicationKind;
            if (TwoStepRecovery.BeforeLastByte(TwoStepOf(open), release.Id) is not { } next)
                return false;
            await MoveAsync(caller.Device, open.With(next), $"Fetched the recovery {release.Version}");
            return true;
        });

    /// <summary>
    /// Whether a download may go on at some byte: all before it went out to this very client, of this very image. What else it has would make one
    /// file of two builds.
    /// </summary>
    public static bool MayGoOn(Caller caller, Release release, long first) =>
        first == 0 || caller.Device.Client is { Dialect.Reports: true } || SentOf(caller, release)?.Bytes >= first;

    /// <summary>Notes which bytes went out. Of two downloads of one device at the same time one may be forgotten, and begins anew when it is cut.</summary>
    public static void Went(Caller caller, Release release, long first, long end) =>
        caller.Device.Sent = (SentOf(caller, release), first) switch
        {
            ({ } sent, _) => sent.With(first, end),
            (null, 0) => new SentImage(caller.Generation, release.Image.Sha256, end),
            _ => caller.Device.Sent,
        };

    private static SentImage? SentOf(Caller caller, Release release) =>
        caller.Device.Sent is { } sent && sent.Generation == caller.Generation && sent.Sha256 == release.Image.Sha256 ? sent : null;

    /// <summary>Until what follows from the last byte that went out to a client is on disk.</summary>
    public async Task SettleAsync(Device device)
    {
        if (device.Delivering is { IsCompleted: false } delivering)
            await delivering.WaitAsync(LongestWait, time).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Notes that the last byte of a release went out.</summary>
    public Task EndedAsync(Caller caller, Release release) =>
        StaleException.RetryAsync(async () =>
        {
            using var held = await fleet.LockAsync(caller.Device, CancellationToken.None);
            // By an end alone, of which it said itself that it belongs to what it has, nobody knows what it has.
            if (caller.IsStale || caller.Device.Open is not { } open || !MayGoOn(caller, release, release.Image.Size))
                return false;
            if (open.IsTwoStep)
            {
                await MoveAsync(caller.Device, open.With(TwoStepRecovery.AfterLastByte(TwoStepOf(open), release.Id)), $"Fetched {release.Version}");
            }
            else if (open.Release == release.Id && open.State is >= DeploymentState.Offered and < DeploymentState.Downloaded)
            {
                await MoveAsync(
                    caller.Device,
                    open with { State = DeploymentState.Downloaded, Detail = null, Fetches = open.Fetches + 1 },
                    open.Fetches == 0 ? $"Fetched {release.Version}" : $"Fetched {release.Version} once more");
            }

            return true;
        });

    private bool MayBegin(Deployment open, Release release) =>
        !open.IsTwoStep || TwoStepRecovery.MayFetch(TwoStepOf(open), release.Id);

    private TwoStep TwoStepOf(Deployment open) =>
        TwoStepDeployment.Of(open, releases.Find(open.Release)!, releases.Find(open.Returns)!);

    // Under the device's lock.
    private async Task MoveAsync(Device device, Deployment moved, string text)
    {
        if (moved == device.Open)
            return;
        var word = DeploymentWords.Shown(moved);
        var at = time.GetUtcNow().ToUnixTimeMilliseconds();
        var isWritten = await database.WriteAsync(
            connection => Write(connection, device, moved, word, text, at), CancellationToken.None, device.Basis);
        if (!isWritten)
            throw new StaleException();
        device.Open = moved;
        device.State = word;
        pins.Moved(device, moved);
    }

    private static bool Write(DbConnection connection, Device device, Deployment moved, string word, string text, long at)
    {
        if (!DeploymentTable.Update(connection, moved))
            return false;
        connection.Execute(DeviceTable.DecidedSql, new { device.Id, device.OrderNumber, device.Instruction, State = word });
        Timeline.Append(connection, device.Id, at, word, text);
        return true;
    }
}
