using System.Data.Common;
using System.Runtime.CompilerServices;

namespace Ota.Server.Data;

/// <summary>
/// Statements that stay compiled on their connection, for those that run thousands of times a second: parsing and a mapper's
/// reflection cost several times the row. Everything else goes through Dapper.
/// </summary>
internal static class KeptStatements
{
    // A connection disposes of its commands when it closes.
    private static readonly ConditionalWeakTable<DbConnection, Dictionary<string, DbCommand>> Kept = [];

    /// <summary>Runs <paramref name="sql"/> and returns the rows it changed. The same names in the same order each time.</summary>
    public static int ExecuteKept(
        this DbConnection connection, string sql, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        var commands = Kept.GetOrCreateValue(connection);
        if (!commands.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            foreach (var (name, _) in values)
            {
                var parameter = command.CreateParameter();
                parameter.ParameterName = name;
                command.Parameters.Add(parameter);
            }

            commands.Add(sql, command);
        }

        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i].Value ?? DBNull.Value;
        return command.ExecuteNonQuery();
    }
}
