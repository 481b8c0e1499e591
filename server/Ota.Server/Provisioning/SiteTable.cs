using System.Data.Common;
using Dapper;
using Ota.Server.Secrets;

namespace Ota.Server.Provisioning;

/// <summary>A place whose Wi-Fi is known; its password is not shown to anybody again.</summary>
public sealed record Site(string Name, string Ssid, DateTimeOffset Created, string CreatedBy);

/// <summary>The rows of sites. A password lies there sealed; it is opened only to be sealed for one unit.</summary>
internal static class SiteTable
{
    private const string InsertSql =
        "INSERT INTO sites (name, ssid, sealed, created, created_by) VALUES (@name, @ssid, @sealed, @created, @who) ON CONFLICT (name) DO NOTHING";

    private const string AllSql = "SELECT name, ssid, created, created_by FROM sites ORDER BY name";
    private const string FindSql = "SELECT name, ssid, created, created_by, sealed FROM sites WHERE name = @name";
    private const string RemoveSql = "DELETE FROM sites WHERE name = @name RETURNING name, ssid, created, created_by";

    /// <summary>False when there is a site of this name.</summary>
    public static bool Insert(DbConnection connection, string name, WifiNetwork network, MasterSecret master, DateTimeOffset now, string who) =>
        connection.Execute(InsertSql, new
        {
            name,
            ssid = network.Ssid,
            @sealed = Sealed.Seal(network.Password, name, master.SiteKey(name)),
            created = now.ToUnixTimeMilliseconds(),
            who,
        }) == 1;

    public static IReadOnlyList<Site> All(DbConnection connection) => [.. connection.Query<Row>(AllSql).Select(row => row.Site)];

    /// <summary>The site with its network; null when there is none.</summary>
    public static (Site Site, WifiNetwork Network)? Find(DbConnection connection, string name, MasterSecret master) =>
        connection.QuerySingleOrDefault<Row>(FindSql, new { name }) is { } row
            ? (row.Site, new WifiNetwork(row.Ssid, Sealed.Open(row.Sealed, name, master.SiteKey(name))))
            : null;

    /// <summary>What was there; null when there is none.</summary>
    public static Site? Remove(DbConnection connection, string name) => connection.QuerySingleOrDefault<Row>(RemoveSql, new { name })?.Site;

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
