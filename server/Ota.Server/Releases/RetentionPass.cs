using System.Data.Common;
using System.Globalization;
using Dapper;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Images;
using Ota.Server.Products;
using Ota.Server.Rollouts;

namespace Ota.Server.Releases;

/// <summary>
/// Removes, once an hour, the image files that nobody needs any more. First the row says so, from when on the image is neither offered nor served;
/// then the file goes. What is marked and still there is finished at the next start and the next hour.
/// </summary>
internal sealed partial class RetentionPass(
    Fleet fleet,
    ProductCatalog products,
    ReleaseCatalog releases,
    RolloutBoard rollouts,
    IImageStore images,
    ImageClaims claims,
    Database database,
    TimeProvider time,
    ILogger<RetentionPass> logger) : IDisposable
{
    /// <summary>Files that one pass removes at most; the next one goes on.</summary>
    public const int MostInAPass = 100;

    private const string SeenSql = "SELECT value FROM counters WHERE name = @name";

    /// <summary>A file that no release names may belong to an upload that a crash cut short, and is kept so long for whoever looks into that.</summary>
    private static readonly TimeSpan OrphanLife = TimeSpan.FromDays(1);

    private readonly SemaphoreSlim _turn = new(1, 1);

    /// <summary>Removes the files that were given up when the process ended; before the first upload is taken.</summary>
    public async Task FinishAsync(CancellationToken cancellation)
    {
        foreach (var image in GivenUp())
            await RemoveAsync(image, cancellation);
    }

    /// <summary>Looks at every image once. One pass at a time: of two at once each would leave to the other what the other leaves to it.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation);
        try
        {
            await LookAsync(cancellation);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private async Task LookAsync(CancellationToken cancellation)
    {
        claims.Begin();
        // Where several servers share the images, another one may have had the duty, and what it saw to be needed it told nobody.
        if (database.IsShared)
            releases.Load();
        var instruction = database.Read(connection => connection.ExecuteScalar<long>(SeenSql, new { name = Counters.Instruction }));
        var now = DateTimeOffset.FromUnixTimeMilliseconds(time.GetUtcNow().ToUnixTimeMilliseconds());
        var (verdicts, active) = await DecideAsync(now, cancellation);
        if (verdicts.Where(verdict => verdict.IsNeeded).Select(verdict => verdict.Release.Id).ToArray() is { Length: > 0 } needed)
            await releases.NeededAsync(needed, now, cancellation);
        Log.Decided(logger, string.Join(", ", verdicts.CountBy(Word).Select(count => $"{count.Value} {count.Key}")));

        var left = MostInAPass;
        foreach (var image in GivenUp())
        {
            if (left > 0 && await RemoveAsync(image, cancellation))
                left--;
        }

        var going = verdicts.Where(verdict => verdict.Kept is null).GroupBy(verdict => verdict.Release.Image.Sha256, verdict => verdict.Release);
        foreach (var sharing in going.Take(left).ToArray())
            left -= await GiveUpAsync([.. sharing], new Seen(instruction, active), now, cancellation) ? 1 : 0;
        var named = releases.All().Select(release => release.Image.Sha256).ToHashSet(StringComparer.Ordinal);
        var orphans = new List<string>();
        await foreach (var image in images.AllAsync(cancellation))
        {
            if (orphans.Count < left && image.Written < now - OrphanLife && !named.Contains(image.Sha256))
                orphans.Add(image.Sha256);
        }

        foreach (var orphan in orphans)
            await RemoveOrphanAsync(orphan, cancellation);
    }

    private async Task<(IReadOnlyList<ImageVerdict> Verdicts, long[] Rollouts)> DecideAsync(DateTimeOffset now, CancellationToken cancellation)
    {
        var devices = new List<DeviceNeeds>(fleet.Count);
        foreach (var device in fleet.All)
        {
            // What it runs and what it is to run change together.
            using var held = await fleet.HoldAsync(device, cancellation);
            if (DeviceNeeds.Of(device) is { } needs)
                devices.Add(needs);
        }

        var all = products.All().ToDictionary(product => product.Name, StringComparer.Ordinal);
        var active = all.Keys.SelectMany(product => rollouts.Of(product).LatestFirst).ToArray();
        var verdicts = database.Read(connection => RetentionPolicy.Decide(
            new RetentionFacts(
                releases.All(), all, devices, active, claims.IsUploaded, release => ImageTable.LastOrder(connection, release)),
            now));
        return (verdicts, [.. active.Select(rollout => rollout.Id)]);
    }

    private async Task<bool> GiveUpAsync(IReadOnlyList<Release> sharing, Seen seen, DateTimeOffset now, CancellationToken cancellation)
    {
        var image = sharing[0].Image;
        using var claim = claims.TryForRemoval(image.Sha256);
        if (claim is null || !await releases.GiveUpAsync(sharing, seen, now, cancellation))
            return false;
        await images.DeleteAsync(image.Sha256, cancellation);
        Log.Deleted(logger, string.Join(", ", sharing.Select(release => $"{release.Product} {release.Version}")), image.Size);
        return true;
    }

    // Marked before, but its file could not be removed then; unless it was brought back meanwhile.
    private async Task<bool> RemoveAsync(string image, CancellationToken cancellation)
    {
        using var claim = claims.TryForRemoval(image);
        if (claim is null || !await images.ExistsAsync(image, cancellation) || !database.Read(connection => ImageTable.IsGivenUp(connection, image)))
            return false;
        await images.DeleteAsync(image, cancellation);
        return true;
    }

    private async Task RemoveOrphanAsync(string image, CancellationToken cancellation)
    {
        using var claim = claims.TryForRemoval(image);
        if (claim is null || database.Read(connection => ImageTable.IsKnown(connection, image)))
            return;
        await images.DeleteAsync(image, cancellation);
        Log.Orphan(logger, image);
    }

    private static string Word(ImageVerdict verdict) => verdict.Kept?.ToString() ?? "to go";

    private HashSet<string> GivenUp() =>
        [.. releases.All().Where(release => release.Image.Deleted is not null).Select(release => release.Image.Sha256)];

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The image of {Releases}, {Size} bytes, was deleted: nobody needs it any more.")]
        public static partial void Deleted(ILogger logger, string releases, long size);

        [LoggerMessage(2, LogLevel.Information, "The image {Image}, which no release names, was deleted.")]
        public static partial void Orphan(ILogger logger, string image);

        [LoggerMessage(3, LogLevel.Debug, "Images: {Verdicts}.")]
        public static partial void Decided(ILogger logger, string verdicts);
    }
}
