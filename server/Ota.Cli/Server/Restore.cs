using System.CommandLine;
using System.Globalization;
using Ota.Cli.Output;
using Ota.Server.Data;

namespace Ota.Cli.Server;

/// <param name="Before">Where the database that was there is now; null when there was none.</param>
internal sealed record Restored(string File, string? Before, long Devices, long Releases, long Deployments);

/// <summary><c>ota server restore</c></summary>
internal static class Restore
{
    private static readonly Argument<string> Backup = new("file") { Description = "A backup made by 'ota server backup'." };

    public static Verb Command { get; } = new("restore", "Put a backup in the place of the embedded database. Stop the server first.", Run) { Backup, DataFolder.Data };

    private static Task Run(Call call, CancellationToken cancellation)
    {
        var (backup, folder) = (call.Get(Backup), call.Get(DataFolder.Data)!);
        if (!File.Exists(backup))
            throw FailureException.Usage($"There is no file {backup}.");
        if (!Directory.Exists(folder))
            throw FailureException.Usage($"There is no folder {folder}; make it, with the master.key that belongs to the backup in it.");
        using var alone = DataFolder.Lock(call);
        BackupFacts facts;
        try
        {
            facts = SqliteBackup.Look(backup);
        }
        catch (BackupException fault)
        {
            throw FailureException.Usage("Nothing was restored: " + fault.Message);
        }

        if (facts.Fingerprint is not null && facts.Fingerprint != DataFolder.Fingerprint(call))
        {
            throw FailureException.Usage(
                $"Nothing was restored: the master.key in {folder} is missing or is not the one this backup's devices have their secrets from. Put that one there first.");
        }

        var restored = new Restored(Path.Combine(folder, "ota.db"), Aside(call, folder), facts.Devices, facts.Releases, facts.Deployments);
        var fresh = restored.File + ".new";
        File.Copy(backup, fresh, overwrite: true);
        using (var file = new FileStream(fresh, FileMode.Open, FileAccess.Write))
            file.Flush(flushToDisk: true);
        File.Move(fresh, restored.File, overwrite: true);
        call.Screen.Show(restored, screen =>
        {
            screen.Line("Restored ", new Cell(backup, Tone.Strong), ". Start the server; it does not repeat what devices say they have done since, and lowers no order number.");
            screen.Facts(
                ("Devices", $"{restored.Devices}"),
                ("Before", restored.Before is null ? "there was no database" : $"kept as {restored.Before}"),
                ("Lost", "what was uploaded, ordered and reported since; recoveries of that time end as failed at the unit's first contact"));
        });
        return Task.CompletedTask;
    }

    // With the log beside it, or what was in that would be taken for a part of the backup.
    private static string? Aside(Call call, string folder)
    {
        var database = Path.Combine(folder, "ota.db");
        if (!File.Exists(database))
            return null;
        var aside = $"{database}.before-{call.Now.UtcDateTime.ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}";
        foreach (var part in (string[])["-wal", "-shm", ""])
        {
            if (File.Exists(database + part))
                File.Move(database + part, aside + part);
        }

        return aside;
    }
}
