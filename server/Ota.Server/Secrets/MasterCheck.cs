using Dapper;
using Ota.Server.Data;
using Ota.Server.Settings;

namespace Ota.Server.Secrets;

/// <summary>Refuses to start with another master secret than the database's devices have theirs from.</summary>
internal static class MasterCheck
{
    private const string FindSql = "SELECT fingerprint FROM master_secret";
    private const string KeepSql = "INSERT INTO master_secret (fingerprint) VALUES (@fingerprint)";

    public static async Task RunAsync(Database database, MasterSecret master, CancellationToken cancellation)
    {
        var there = await database.WriteAsync(
            connection =>
            {
                var known = connection.ExecuteScalar<string?>(FindSql);
                if (known is null)
                    connection.Execute(KeepSql, new { fingerprint = master.Fingerprint });
                return known ?? master.Fingerprint;
            },
            cancellation);
        if (there != master.Fingerprint)
        {
            throw new SettingFault(
                "This master secret is not the one that the database's devices have their secrets from: not one of them could check in. Restore "
                + "master.key from its backup; a further server on the same database gets a copy of the first one's (setting MasterKeyFile).");
        }
    }
}
