using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Data;

public sealed partial class StartTests
{
    [Fact]
    public async Task The_first_start_makes_secrets_that_only_their_owner_can_read_and_names_the_file()
    {
        await using var server = await RunningServer.StartAsync();
        if (!OperatingSystem.IsWindows())
        {
            foreach (var secret in new[] { "ota.db", "ota.db-wal", "admin.key", "master.key" })
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.Data, secret)));
        }

        Assert.Contains("admin.key", server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_without_its_master_secret_is_not_started_with_a_new_one()
    {
        var folder = Directory.CreateTempSubdirectory("ota-start-").FullName;
        await using (await RunningServer.StartAsync(folder))
            File.Move(Path.Combine(folder, "data", "master.key"), Path.Combine(folder, "backup"));

        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(folder));
        Assert.Contains("backup", fault.Message, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_master_secret_that_others_can_read_is_refused()
    {
        var folder = Directory.CreateTempSubdirectory("ota-start-").FullName;
        await using (await RunningServer.StartAsync(folder))
        {
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(Path.Combine(folder, "data", "master.key"), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        }

        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(folder));
        Assert.Contains("chmod 600", fault.Message, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task An_https_address_without_a_certificate_is_refused_before_anything_is_made()
    {
        var folder = Directory.CreateTempSubdirectory("ota-start-").FullName;

        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(folder, "--urls", "http://127.0.0.1:0;https://127.0.0.1:0"));

        Assert.Contains("https needs a certificate", fault.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("--MaximumImageSizeMiB", "0")]
    [InlineData("--MaximumImageSizeMiB", "lots")]
    [InlineData("--OrderLifeHours", "-1")]
    [InlineData("--Demo", "perhaps")]
    public async Task A_setting_that_cannot_be_used_is_named(string name, string value)
    {
        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(null, name, value));
        Assert.Contains(name[2..], fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_option_that_the_operations_page_lists_is_taken_and_stands_in_the_help()
    {
        var options = OptionOfTheTable().Matches(File.ReadAllText(Operations())).Select(match => match.Groups[1].Value).ToArray();

        Assert.Contains("--RecoveriesPerHour", options);
        Assert.All(options, option => Assert.Contains($"  {option} ", CommandLine.Help, StringComparison.Ordinal));
        Assert.All(options.Except(["--help"]), option => Assert.Equal([option + "=1"], CommandLine.Read([option, "1"])));
    }

    [GeneratedRegex(@"^\|[^|]*\| `(--[\w-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex OptionOfTheTable();

    private static string Operations([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "..", "server", "docs", "operations.md");

    [Fact]
    public async Task The_audit_log_cannot_be_rewritten()
    {
        await using var server = await RunningServer.StartAsync();
        await server.AddProductAsync();
        using var database = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(server.Data, "ota.db")}");
        database.Open();
        foreach (var sql in new[] { "UPDATE audit SET who = 'nobody'", "DELETE FROM audit" })
        {
            var fault = Assert.Throws<Microsoft.Data.Sqlite.SqliteException>(() => Dapper.SqlMapper.Execute(database, sql));
            Assert.Contains("append-only", fault.Message, StringComparison.Ordinal);
        }

        var actions = (await server.GetAsync("api/v1/audit")).EnumerateArray().Select(entry => entry.GetProperty("action").GetString());
        Assert.Equal(["staff.add", "product.add"], actions);
    }
}
