using System.CommandLine;
using System.Security.Cryptography;
using Ota.Server.Data;

namespace Ota.Cli.Server;

/// <summary>The data folder of an embedded server, for who owns it; these commands work on its files and ask no server.</summary>
internal static class DataFolder
{
    public static readonly Option<string> Data = new("--data")
    {
        Description = "The server's data folder.",
        HelpName = "folder",
        DefaultValueFactory = _ => "data",
    };

    public static Command Command { get; } = new("server", "The files of an embedded server, for who owns them.")
    {
        BackUp.Command, Restore.Command, Move.Command,
    };

    public static string Database(Call call)
    {
        var path = Path.Combine(call.Get(Data)!, "ota.db");
        return File.Exists(path) ? path : throw FailureException.Usage($"There is no ota.db in the folder {call.Get(Data)}; --data names the server's data folder.");
    }

    /// <summary>Keeps servers off the folder; fails while one runs on it.</summary>
    public static DataLock Lock(Call call) => DataLock.TryTake(call.Get(Data)!) ?? throw FailureException.Usage(
        $"A server runs on the data folder {call.Get(Data)}. Stop it first.");

    /// <summary>What tells this folder's master secret from others, as the database has it; null where there is none.</summary>
    public static string? Fingerprint(Call call)
    {
        var path = Path.Combine(call.Get(Data)!, "master.key");
        return File.Exists(path) && File.ReadAllText(path).Trim() is { Length: 64 } text && text.All(char.IsAsciiHexDigit)
            ? Convert.ToHexStringLower(HMACSHA256.HashData(Convert.FromHexString(text), "fingerprint"u8)[..8])
            : null;
    }
}
