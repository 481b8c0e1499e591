using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Tests.Rollouts.Filters;

/// <summary>A filter means the same in memory and in real databases.</summary>
public sealed partial class FilterSqlTests(PostgreSql postgreSql) : IClassFixture<PostgreSql>
{
    private const string Sqlite = "SQLite";
    private const string Postgres = "PostgreSQL";

    // Each as a name, where it must find no device, and as it stands, where it must be refused or find none but what it
    // says.
    private static readonly string[] Attacks =
    [
        "'; DROP TABLE devices; --", "\"; DROP TABLE devices; --", "' OR '1'='1", "' OR 1=1 --", "') OR (1=1",
        "a'; DELETE FROM devices WHERE 'a'='a",
        "\\'; DROP TABLE devices; --", "\\", "\\\\", "%", "_", "%%", "*", "@f0", "@f1", ":f0", "$1", "?", "?1", "{0}",
        "NULL", "1", "0x31", "/* */", "--",
        "a' UNION SELECT id FROM devices --", "a\u2019; DROP TABLE devices", "\u02BC OR 1=1", "\uFF07 OR 1=1",
        "E'\\x27'", "$$; DROP TABLE devices; $$",
        "device1' --", "x'27'", "CHAR(39)", "devices", "id", "pg_sleep(10)", "randomblob(1000000000)",
        "; ATTACH DATABASE 'x' AS y", "COPY devices TO PROGRAM 'id'",
    ];

    /// <summary>In CI only what is installed there; elsewhere what is not is skipped, and says so.</summary>
    public static TheoryData<string> Databases() =>
        PostgreSql.Missing is not null && Environment.GetEnvironmentVariable("CI") == "true"
            ? [Sqlite]
            : [Sqlite, Postgres];

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task A_filter_finds_in_the_table_the_devices_it_holds_for_in_memory(string database)
    {
        var rows = Gen.Sample(ADeviceRow.Any, 300, 50).DistinctBy(row => row.Id).ToArray();
        await using var table = await OpenAsync(database, rows);
        var facts = rows.Select(row => DeviceFacts.Of(row.ToDevice(AFilter.Now))).ToArray();
        Assert.True(facts.Length > 50);

        Prop.ForAll(AFilter.Any, root =>
        {
            var filter = new Filter(root);
            var sql = filter.ToSql(AFilter.Now);
            var inMemory = facts.Where(device => filter.Holds(device, AFilter.Now)).Select(device => device.Id)
                .Order(StringComparer.Ordinal);
            return table.Found(sql).SequenceEqual(inMemory).Label($"{filter}\n{sql.Text}");
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(AFilter.Cases));
    }

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task Devices_read_from_the_table_are_found_as_those_in_memory(string database)
    {
        var rows = Gen.Sample(ADeviceRow.Any, 100, 50).DistinctBy(row => row.Id).ToArray();
        await using var table = await OpenAsync(database, rows);
        var facts = rows.Select(row => DeviceFacts.Of(row.ToDevice(AFilter.Now)));

        var read = table.Rows().Select(row => DeviceFacts.Of(row.ToDevice()));

        // The table of this test has hardware ids of its own.
        Assert.Equal(
            facts.Select(device => device with { PlainName = "" }).OrderBy(device => device.Id),
            read.Select(device => device with { PlainName = "" }).OrderBy(device => device.Id));
    }

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task Text_that_would_be_SQL_is_a_value_like_any_other(string database)
    {
        // Each attack is also the name of a group that one device is in.
        var names = Attacks.Select(attack => attack.ToLowerInvariant()).Distinct().ToArray();
        ADeviceRow[] rows = [.. names.Select((name, i) => ADeviceRow.Full with { Id = ADeviceRow.IdOf(i), Group = name })];
        await using var table = await OpenAsync(database, rows);
        foreach (var (attack, row) in names.Zip(rows))
        {
            var escaped = attack.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            var quoted = $"\"{escaped}\"";
            if (!attack.Contains('*', StringComparison.Ordinal))
            {
                Assert.Equal([row.Id], Found($"group = {quoted}"));
                Assert.Equal([row.Id], Found($"group in ({quoted}, \"{escaped}\")"));
                Assert.Equal(rows.Length - 1, Found($"group != {quoted}").Length);
                Assert.Equal(
                    rows.Where(other => other.Group!.StartsWith(attack, StringComparison.Ordinal))
                        .Select(other => other.Id).Order(StringComparer.Ordinal),
                    Found($"group ~ \"{escaped}*\""));
                Assert.Empty(Found($"id = {quoted}"));
                Assert.Empty(Found($"hardware ~ \"{escaped}*\""));
            }

            // As it stands it is no filter, or one of which nothing is text in SQL.
            string[] sources =
                [attack, $"group = {attack}", $"group = 'a{attack}", $"rssi > {attack}", $"group in ({attack})"];
            foreach (var source in sources)
            {
                if (Filter.Parse(source, out _)?.ToSql(AFilter.Now) is { } sql)
                    table.Found(sql);
            }

            Assert.Equal(rows.Length, table.Count());
        }

        string[] Found(string source) => table.Found(Filter.Parse(source, out _)!.ToSql(AFilter.Now));
    }

    [Fact]
    public void Nothing_that_somebody_wrote_is_in_the_SQL() =>
        Prop.ForAll(AFilter.Any, root =>
        {
            var sql = new Filter(root).ToSql(AFilter.Now);
            var rest = sql.Text;
            foreach (var column in FilterField.All.Select(field => field.Column).OrderByDescending(name => name.Length))
                rest = rest.Replace(column, "", StringComparison.Ordinal);
            var names = ParameterPattern().Matches(rest).Select(match => match.Value).Distinct();
            return Grammar().IsMatch(ParameterPattern().Replace(rest, ""))
                && names.SequenceEqual(sql.Parameters.Select(parameter => parameter.Key))
                && sql.Parameters.All(parameter => parameter.Value is string or long);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(AFilter.Cases));

    [Theory]
    [MemberData(nameof(Databases))]
    public async Task Versions_sort_in_the_table_by_precedence(string database)
    {
        var versions = Gen.Sample(AFilter.Version, 150, 20).Distinct().ToArray();
        var rows = versions.Select((version, i) => ADeviceRow.Full with { Id = ADeviceRow.IdOf(i), Running = version });
        await using var table = await OpenAsync(database, [.. rows]);

        var inOrder = versions.Order(Comparer<string>.Create((left, right) => VersionOrder.Compare(left, right)));
        Assert.Equal(inOrder, table.VersionsInOrder());
    }

    private async Task<ADeviceTable> OpenAsync(string database, IReadOnlyCollection<ADeviceRow> rows)
    {
        if (database == Sqlite)
            return await ADeviceTable.OnSqliteAsync(rows);
        Assert.SkipWhen(PostgreSql.Missing is not null, PostgreSql.Missing ?? "");
        return await ADeviceTable.OnPostgreSqlAsync(await postgreSql.OpenAsync(), rows);
    }

    [GeneratedRegex("@f[0-9]+")]
    private static partial Regex ParameterPattern();

    // What is left without columns and parameters.
    [GeneratedRegex(@"^(?:NOT|AND|OR|IS|NULL|IN|substr|length|, 1, |[ (),=<>])*\z")]
    private static partial Regex Grammar();
}
