using Dapper;
using Microsoft.Data.Sqlite;
using Ota.Server.Data;

namespace Ota.Server.Tests.Data;

public sealed class KeptStatementsTests : IDisposable
{
    private const string InsertSql = "INSERT INTO things (id, note) VALUES (@Id, @Note)";
    private readonly SqliteConnection _connection;

    public KeptStatementsTests()
    {
        SQLitePCL.Batteries_V2.Init();
        _connection = new SqliteConnection("Data Source=:memory:");
        _connection.Open();
        _connection.Execute("CREATE TABLE things (id bigint PRIMARY KEY, note text)");
    }

    [Fact]
    public void A_statement_keeps_nothing_of_the_values_it_ran_with_before()
    {
        Insert(1, "first");
        Insert(2, null);

        Assert.Equal("first", Note(1));
        Assert.Null(Note(2));
    }

    [Fact]
    public void A_statement_that_failed_runs_again()
    {
        Insert(1, "first");

        Assert.Throws<SqliteException>(() => Insert(1, "again"));

        Assert.Equal(1, Insert(2, "second"));
        Assert.Equal("first", Note(1));
    }

    [Fact]
    public void A_statement_that_failed_does_not_keep_its_savepoint_from_being_undone()
    {
        _connection.ExecuteKept("BEGIN");
        Insert(1, "stays");
        _connection.ExecuteKept("SAVEPOINT work");
        Insert(2, "goes");
        Assert.Throws<SqliteException>(() => Insert(1, "again"));
        _connection.ExecuteKept("ROLLBACK TO work");
        _connection.ExecuteKept("RELEASE work");
        _connection.ExecuteKept("COMMIT");

        Assert.Equal("stays", Note(1));
        Assert.Equal(1, _connection.ExecuteScalar<long>("SELECT count(*) FROM things"));
    }

    public void Dispose() => _connection.Dispose();

    private int Insert(long id, string? note) => _connection.ExecuteKept(InsertSql, ("@Id", id), ("@Note", note));

    private string? Note(long id) => _connection.ExecuteScalar<string?>("SELECT note FROM things WHERE id = @id", new { id });
}
