using System.CommandLine;
using Npgsql;
using Ota.Cli.Output;
using Ota.Cli.Session;
using Ota.Server.Data;

namespace Ota.Cli.Server;

internal sealed record MovedRows(string Table, long Rows, string Digest);

/// <summary><c>ota server move</c></summary>
internal static class Move
{
    private static readonly Option<string?> To = new("--to")
    {
        Description = "Connection string of an empty PostgreSQL database. Others on this machine can see arguments: prefer OTA_DATABASE.",
        HelpName = "connection",
    };

    public static Verb Command { get; } = new("move", "Copy the embedded database to PostgreSQL and look whether all of it arrived. Stop the server first.", Run)
    {
        To, DataFolder.Data,
    };

    private static Task Run(Call call, CancellationToken cancellation)
    {
        var source = DataFolder.Database(call);
        var target = call.Get(To) ?? Connection.Variable("OTA_DATABASE") ?? Connection.Variable("OTA_Database")
            ?? throw FailureException.Usage("Say where to: OTA_DATABASE or --to, like Host=db;Database=ota;Username=ota;Password=…");
        using var alone = DataFolder.Lock(call);
        IReadOnlyList<MovedTable> moved;
        try
        {
            moved = DatabaseMove.Run(source, target, _ => cancellation.ThrowIfCancellationRequested());
        }
        catch (ArgumentException fault)
        {
            throw FailureException.Usage($"That is no connection string: {fault.Message}");
        }
        catch (MoveException fault)
        {
            throw FailureException.NotVerified(fault.Message);
        }
        catch (NpgsqlException fault)
        {
            throw FailureException.Unreachable($"PostgreSQL: {(fault.InnerException ?? fault).Message.TrimEnd('.')}. Nothing was kept in the target.");
        }

        // A server that is started on the folder by habit must not go on from here: order numbers would part.
        var aside = source + ".moved";
        File.Move(source, aside, overwrite: true);
        foreach (var log in (string[])["-wal", "-shm"])
            File.Delete(source + log);
        call.Screen.Show(moved.Select(table => new MovedRows(table.Name, table.Rows, table.Digest)).ToArray(), screen =>
        {
            screen.Table(
                ["Table", "Rows", "Digest, the same on both sides"],
                [.. moved.Where(table => table.Rows > 0).Select(table => new Cell[] { table.Name, $"{table.Rows:N0}", new(table.Digest, Tone.Dim) })],
                "Nothing was in it.");
            screen.Line("Moved. From now on start the server with OTA_Database; master.key and the images stay where they are.");
            screen.Line(new Cell($"The old database is kept as {aside}.", Tone.Dim));
        });
        return Task.CompletedTask;
    }
}
