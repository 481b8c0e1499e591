using System.Security.Cryptography;
using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Secrets;

namespace Ota.Server.Provisioning;

/// <summary>A place whose Wi-Fi is known; its password is not shown to anybody again.</summary>
public sealed record Site(string Name, string Ssid, DateTimeOffset Created, string CreatedBy);

/// <summary>
/// The rows of sites. A password lies there under AES-256-GCM with a key derived from the master secret, so that a stolen database opens none;
/// it is opened only to be sealed for one unit.
/// </summary>
internal static class SiteTable
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private const string InsertSql =
        "INSERT INTO sites (name, ssid, sealed, created, created_by) VALUES (@name, @ssid, @sealed, @created, @who) ON CONFLICT (name) DO NOTHING";

    private const string AllSql = "SELECT name, ssid, created, created_by FROM sites ORDER BY name";
    private const string FindSql = "SELECT name, ssid, created, created_by, sealed FROM sites WHERE name = @name";
    private const string RemoveSql = "DELETE FROM sites WHERE name = @name RETURNING name, ssid, created, created_by";

    /// <summary>False when there is a site of this name.</summary>
    public static bool Insert(SqliteConnection connection, string name, WifiNetwork network, MasterSecret master, DateTimeOffset now, string who) =>
        connection.Execute(InsertSql, new
        {
            name,
            ssid = network.Ssid,
            @sealed = Seal(network.Password, name, master),
            created = now.ToUnixTimeMilliseconds(),
            who,
        }) == 1;

    public static IReadOnlyList<Site> All(SqliteConnection connection) => [.. connection.Query<Row>(AllSql).Select(row => row.Site)];

    /// <summary>The site with its network; null when there is none.</summary>
    public static (Site Site, WifiNetwork Network)? Find(SqliteConnection connection, string name, MasterSecret master) =>
        connection.QuerySingleOrDefault<Row>(FindSql, new { name }) is { } row
            ? (row.Site, new WifiNetwork(row.Ssid, Open(row.Sealed, name, master)))
            : null;

    /// <summary>What was there; null when there is none.</summary>
    public static Site? Remove(SqliteConnection connection, string name) => connection.QuerySingleOrDefault<Row>(RemoveSql, new { name })?.Site;

    private static byte[] Seal(string password, string name, MasterSecret master)
    {
        var text = Encoding.UTF8.GetBytes(password);
        var all = new byte[NonceSize + text.Length + TagSize];
        RandomNumberGenerator.Fill(all.AsSpan(0, NonceSize));
        using var gcm = new AesGcm(master.SiteKey(name), TagSize);
        gcm.Encrypt(all.AsSpan(0, NonceSize), text, all.AsSpan(NonceSize, text.Length), all.AsSpan(^TagSize), Encoding.UTF8.GetBytes(name));
        CryptographicOperations.ZeroMemory(text);
        return all;
    }

    private static string Open(byte[] all, string name, MasterSecret master)
    {
        var text = new byte[all.Length - NonceSize - TagSize];
        using var gcm = new AesGcm(master.SiteKey(name), TagSize);
        gcm.Decrypt(all.AsSpan(0, NonceSize), all.AsSpan(NonceSize, text.Length), all.AsSpan(^TagSize), text, Encoding.UTF8.GetBytes(name));
        return Encoding.UTF8.GetString(text);
    }

    private sealed class Row
    {
        public string Name { get; init; } = "";

        public string Ssid { get; init; } = "";

        public byte[] Sealed { get; init; } = [];

        public long Created { get; init; }

        public string CreatedBy { get; init; } = "";

        public Site Site => new(Name, Ssid, DateTimeOffset.FromUnixTimeMilliseconds(Created), CreatedBy);
    }
}
