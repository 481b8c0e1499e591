using System.Collections.Concurrent;
using System.Text;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Images;
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
    ServerSettings settings, ProductCatalog products, ReleaseIntake intake, Database database, TimeProvider time, ILogger<DropFolder> logger)
    : BackgroundService
{
    private const string AcceptedFile = "accepted.txt";
    private const string RefusedFile = "refused.txt";
    private const string Who = "drop folder";
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, DropVerdict> _verdicts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _lastLook = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _judged = new(StringComparer.Ordinal);

    /// <summary>The latest verdict on each folder.</summary>
    public DropVerdict[] Verdicts() => [.. _verdicts.Values.OrderBy(verdict => verdict.Path, StringComparer.Ordinal)];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, time);
        do
        {
            try
            {
                await LookAsync(stoppingToken);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or StorageFullException)
            {
                // Someone moves files under our hands, or the disk is full: the next look tries again.
                Log.Interrupted(logger, fault.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task LookAsync(CancellationToken cancellation)
    {
        if (!Directory.Exists(settings.Releases))
            return;
        foreach (var productFolder in Folders(settings.Releases))
        {
            foreach (var folder in Folders(productFolder))
                await LookAtAsync(folder, Path.GetFileName(productFolder), Path.GetFileName(folder), cancellation);
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
        if (!settled || _judged.GetValueOrDefault(folder) == look)
            return;

        var verdict = await JudgeAsync(files, known, product, version, cancellation);
        _judged[folder] = look;
        await ReportAsync(folder, verdict, cancellation);
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
        await using var bytes = imageFile.OpenRead();
        var result = await intake.TakeAsync(product, verified, bytes, "stable", Who, cancellation);
        return result.Refusal is { } refused
            ? Verdict("refused", refused.Reason)
            : Verdict("accepted", $"{result.Release!.Version} for {string.Join(", ", result.Release.Hardware)}, signed by key {result.Release.SignedBy}.");
    }

    private async Task ReportAsync(string folder, DropVerdict verdict, CancellationToken cancellation)
    {
        _verdicts[verdict.Path] = verdict;
        if (verdict.Result == "waiting")
        {
            Log.Waiting(logger, verdict.Path, verdict.Detail);
            return;
        }

        var (written, stale) = verdict.Result == "accepted" ? (AcceptedFile, RefusedFile) : (RefusedFile, AcceptedFile);
        var path = Path.Combine(folder, written);
        var text = verdict.Detail + "\n";
        // Written once a verdict, not at every start: an unchanged folder stays unchanged.
        if (File.Exists(path) && await File.ReadAllTextAsync(path, cancellation) == text)
            return;
        File.Delete(Path.Combine(folder, stale));
        await File.WriteAllTextAsync(path, text, cancellation);
        if (verdict.Result == "accepted")
        {
            Log.Accepted(logger, verdict.Path, verdict.Detail);
            return;
        }

        Log.Refused(logger, verdict.Path, verdict.Detail);
        await database.WriteAsync(
            connection => AuditLog.Append(
                connection, verdict.At.ToUnixTimeMilliseconds(), Who, "release.refuse", verdict.Path, verdict.Detail),
            cancellation);
    }

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

        [LoggerMessage(4, LogLevel.Warning, "Drop folder: a look was interrupted: {Reason}")]
        public static partial void Interrupted(ILogger logger, string reason);
    }
}
