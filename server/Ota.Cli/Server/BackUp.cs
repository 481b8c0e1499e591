using System.CommandLine;
using Microsoft.Data.Sqlite;
using Ota.Cli.Output;
using Ota.Server.Data;

namespace Ota.Cli.Server;

internal sealed record BackedUp(string File, long Size, long Devices, long Releases, long Deployments);

/// <summary><c>ota server backup</c></summary>
internal static class BackUp
{
    private static readonly Option<string> Out = new("--out") { Description = "The file to write; an older one is replaced once the new one is whole.", HelpName = "file", Required = true };

    public static Verb Command { get; } = new("backup", "Copy the embedded database while the server runs on it.", Run) { DataFolder.Data, Out };

    private static Task Run(Call call, CancellationToken cancellation)
    {
        var (source, target) = (DataFolder.Database(call), call.Get(Out)!);
        BackupFacts facts;
        try
        {
            facts = SqliteBackup.Write(source, target);
        }
        catch (Exception fault) when (fault is SqliteException or BackupException)
        {
            throw FailureException.Usage($"No backup was made: {fault.Message}");
        }

        var made = new BackedUp(target, new FileInfo(target).Length, facts.Devices, facts.Releases, facts.Deployments);
        call.Screen.Show(made, screen =>
        {
            screen.Line("Backed up to ", new Cell(made.File, Tone.Strong), $", {Size.Of(made.Size)}, looked through and whole.");
            screen.Facts(
                ("Devices", $"{made.Devices}"),
                ("Releases", $"{made.Releases}"),
                ("Not in it", "master.key (back it up once, apart from this file) and the images (the releases folder)"));
        });
        return Task.CompletedTask;
    }
}
