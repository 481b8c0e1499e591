using System.Collections.Concurrent;
using System.Text;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Products;
using Ota.Server.Settings;
using Ota.Signing;

namespace Ota.Server.Releases;

/// <summary>What became of one folder of the drop folder. <c>Result</c> is <c>accepted</c>, <c>refused</c> or <c>waiting</c>.</summary>
public sealed record DropVerdict(string Path, string Product, string Version, string Result, string Detail, DateTimeOffset At);

/// <summary>
/// Watches <c>&lt;product&gt;/&lt;version&gt;/</c> for an image and its statement and takes them as an upload is taken. It looks again every second rather than trusting
/// file notifications, which network mounts do not give; a file counts once it has kept its size and time from one look to the next.
/// </summary>
internal sealed partial class DropFolder(
    ServerSettings settings, ProductCatalog products, ReleaseCatalog releases, ReleaseIntake intake, Database database, TimeProvider time, ILogger<DropFolder> logger)
    : BackgroundService
{
    private const string AcceptedFile = "accepted.txt";
    private const string RefusedFile = "refused.txt";
    private const string Who = "drop folder";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, DropVerdict> _verdicts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _lastLook = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (string Look, DropVerdict Verdict)> _judged = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DropVerdict> _told = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _troubles = new(StringComparer.Ordinal);

    /// <summary>The latest verdict on each folder.</summary>
    public DropVerdict[] Verdicts() => [.. _verdicts.Values.OrderBy(verdict => verdict.Path, StringComparer.Ordinal)];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
            await TriedAsync(settings.Releases, () => LookAsync(stoppingToken), stoppingToken);
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(settings.Releases))
            return;
        foreach (var product in Folders(settings.Releases))
        {
            await TriedAsync(
                product,
                async () =>
                {
                    foreach (var folder in Folders(product))
                        await LookSafelyAsync(folder, Path.GetFileName(product), Path.GetFileName(folder), cancellation);
                },
                cancellation);
        }
    }

    private async Task LookSafelyAsync(string folder, string product, string version, CancellationToken cancellation)
    {
        var trouble = await TriedAsync(folder, () => LookAtAsync(folder, product, version, cancellation), cancellation);
        if (trouble is not null && Directory.Exists(folder))
        {
            var detail = "It could not be taken and is tried again: " + trouble;
            Keep(new DropVerdict($"{product}/{version}", product, version, "waiting", detail, time.GetUtcNow()));
        }
    }

    // Someone moves files under our hands, the disk is full, the database is out of order, or one file brings out a bug of ours: the watch goes
    // on, the others are looked at, and the next look tries again. Said once, not every second.
    private async Task<string?> TriedAsync(string path, Func<Task> look, CancellationToken cancellation)
    {
        try
        {
            await look();
            _troubles.Remove(path);
            return null;
        }
#pragma warning disable CA1031 // Whatever it was, it would stop the whole server.
        catch (Exception fault) when (!cancellation.IsCancellationRequested)
#pragma warning restore CA1031
        {
            if (_troubles.GetValueOrDefault(path) != fault.Message)
                Log.Interrupted(logger, fault, path);
            return _troubles[path] = fault.Message;
        }
    }

    private async Task LookAtAsync(string folder, string product, string version, CancellationToken cancellation)
    {
        var files = Directory.GetFiles(folder)
            .Select(path => new FileInfo(path))
            .Where(file => file.Name[0] != '.' && file.Name is not (AcceptedFile or RefusedFile))
            .OrderBy(file => file.Name, StringComparer.Ordinal)
            .ToArray();
        if (files.Length == 0)
            return;
        // The product's keys belong to it: what was refused for want of a product or key is judged anew once there is one.
        var known = products.Find(product);
        var look = string.Join('|', files.Select(file => $"{file.Name}:{file.Length}:{file.LastWriteTimeUtc.Ticks}"))
            + "|" + known?.KeyCounter;
        var settled = _lastLook.GetValueOrDefault(folder) == look;
        _lastLook[folder] = look;
        if (!settled)
            return;
        var (judged, verdict) = _judged.GetValueOrDefault(folder);
        if (judged != look)
        {
            verdict = await JudgeAsync(files, known, product, version, cancellation);
            await RecordAsync(folder, verdict, cancellation);
            _judged[folder] = (look, verdict);
        }

        Keep(verdict);
        // Apart from the rest: the verdict stands even where nobody may write it.
        if (verdict.Result != "waiting" && _told.GetValueOrDefault(folder) != verdict
            && await TriedAsync(FileOf(folder, verdict), () => TellAsync(folder, verdict, cancellation), cancellation) is null)
            _told[folder] = verdict;
    }

    private async Task<DropVerdict> JudgeAsync(
        FileInfo[] files, Product? product, string productName, string version, CancellationToken cancellation)
    {
        DropVerdict Verdict(string result, string detail) =>
            new($"{productName}/{version}", productName, version, result, detail, time.GetUtcNow());

        if (files.Where(file => file.Extension == ".jws").ToArray() is not [var statementFile]
            || files.Where(file => file.Extension != ".jws").ToArray() is not [var imageFile])
            return Verdict("waiting", "It takes one image and one statement (*.jws, as 'ota sign' writes it) beside it.");
        if (product is null)
            return Verdict("waiting", $"There is no product '{productName}' yet. Add it with 'ota product add'.");
        if (statementFile.Length > Jws.MaximumLength + 2)
            return Verdict("refused", $"The statement is longer than {Jws.MaximumLength} characters.");

        var compact = Encoding.ASCII.GetString(await File.ReadAllBytesAsync(statementFile.FullName, cancellation)).Trim();
        if (intake.CheckStatement(product, compact, out var refusal) is not { } verified)
            return Verdict("refused", refusal!.Reason);
        if (verified.Statement.Version != version)
            return Verdict("refused", $"The statement says version {verified.Statement.Version}, the folder says {version}.");
        // It lies here since it was taken, and is looked at again at every start: that is nobody who asks for its image again.
        if (releases.Kept(verified.Statement) is { Image.Deleted: not null } kept)
            return Verdict("accepted", Accepted(kept));
        await using var bytes = imageFile.OpenRead();
        var result = await intake.TakeAsync(product, verified, bytes, "stable", Who, cancellation);
        return result.Refusal is { } refused
            ? Verdict("refused", refused.Reason)
            : Verdict("accepted", Accepted(result.Release!));
    }

    private static string Accepted(Release release) =>
        $"{release.Version} for {string.Join(", ", release.Hardware)}, signed by key {release.SignedBy}.";

    private async Task RecordAsync(string folder, DropVerdict verdict, CancellationToken cancellation)
    {
        if (verdict.Result == "waiting")
        {
            Log.Waiting(logger, verdict.Path, verdict.Detail);
            return;
        }

        // Once a verdict, not at every start.
        if (await IsToldAsync(folder, verdict, cancellation))
            return;
        if (verdict.Result == "accepted")
        {
            Log.Accepted(logger, verdict.Path, verdict.Detail);
            return;
        }

        await database.WriteAsync(
            connection => AuditLog.Append(
                connection, verdict.At.ToUnixTimeMilliseconds(), Who, "release.refuse", verdict.Path, verdict.Detail),
            cancellation);
        Log.Refused(logger, verdict.Path, verdict.Detail);
    }

    // An unchanged folder stays unchanged.
    private static async Task TellAsync(string folder, DropVerdict verdict, CancellationToken cancellation)
    {
        if (await IsToldAsync(folder, verdict, cancellation))
            return;
        File.Delete(Path.Combine(folder, verdict.Result == "accepted" ? RefusedFile : AcceptedFile));
        await File.WriteAllTextAsync(FileOf(folder, verdict), verdict.Detail + "\n", cancellation);
    }

    private static async Task<bool> IsToldAsync(string folder, DropVerdict verdict, CancellationToken cancellation) =>
        File.Exists(FileOf(folder, verdict))
        && await File.ReadAllTextAsync(FileOf(folder, verdict), cancellation) == verdict.Detail + "\n";

    private static string FileOf(string folder, DropVerdict verdict) =>
        Path.Combine(folder, verdict.Result == "accepted" ? AcceptedFile : RefusedFile);

    private void Keep(DropVerdict verdict) => _verdicts[verdict.Path] = verdict;

    // Links are not followed and hidden folders are not ours: the image store lives in one.
    private static IEnumerable<string> Folders(string path) =>
        new DirectoryInfo(path).EnumerateDirectories()
            .Where(folder => folder.Name[0] != '.' && folder.LinkTarget is null)
            .Select(folder => folder.FullName)
            .Order(StringComparer.Ordinal);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Drop folder: {Path} accepted: {Detail}")]
        public static partial void Accepted(ILogger logger, string path, string detail);

        [LoggerMessage(2, LogLevel.Warning, "Drop folder: {Path} refused: {Detail}")]
        public static partial void Refused(ILogger logger, string path, string detail);

        [LoggerMessage(3, LogLevel.Information, "Drop folder: {Path} is waiting: {Detail}")]
        public static partial void Waiting(ILogger logger, string path, string detail);

        [LoggerMessage(4, LogLevel.Warning, "Drop folder: {Path} is in trouble and tried again every second.")]
        public static partial void Interrupted(ILogger logger, Exception fault, string path);
    }
}
