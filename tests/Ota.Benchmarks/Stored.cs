using Microsoft.Data.Sqlite;

namespace Ota.Benchmarks;

/// <summary>What the server's database holds, seen from outside.</summary>
internal sealed class Stored(string database)
{
    /// <summary>Reports that are committed.</summary>
    public long Reports()
    {
        var address = new SqliteConnectionStringBuilder
        {
            DataSource = database,
            Mode = SqliteOpenMode.ReadOnly,
            Pooling = false,
        };
        using var connection = new SqliteConnection(address.ToString());
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM reports";
        return (long)command.ExecuteScalar()!;
    }

    /// <summary>
    /// Commits so far, modulo 2³²: the change counter in the header of the WAL index (sqlite.org/walformat.html §2.1).
    /// </summary>
    public uint Commits()
    {
        using var index = new FileStream(database + "-shm", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Span<byte> header = stackalloc byte[12];
        index.ReadExactly(header);
        return BitConverter.ToUInt32(header[8..]);
    }
}
