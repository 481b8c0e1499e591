using System.Data.Common;
using Dapper;

namespace Ota.Server.Data;

/// <summary>Numbers that only grow, the same way on every database.</summary>
internal static class Counters
{
    /// <summary>Deployments and rollouts share one sequence, so that of two instructions the later has the higher number.</summary>
    public const string Instruction = "instruction";

    public const string Audit = "audit";

    public const string Timeline = "timeline";

    public const string Alert = "alert";

    public const string Outbox = "outbox";

    private const string NextSql = "UPDATE counters SET value = value + 1 WHERE name = @name RETURNING value";

    /// <summary>How many sequences there are; fails when the database does not answer or is not migrated.</summary>
    public static long Known(DbConnection connection) => connection.ExecuteScalar<long>("SELECT count(*) FROM counters");

    /// <summary>The last number that was given.</summary>
    public static long Last(DbConnection connection, string name) =>
        connection.ExecuteScalar<long>("SELECT value FROM counters WHERE name = @name", new { name });

    public static long Next(DbConnection connection, string name) =>
        connection.ExecuteScalar<long>(NextSql, new { name });
}
