using System.Diagnostics;
using System.Net;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Data;

/// <summary>On a file system of a few MB, which takes root to mount; in CI that is a must.</summary>
public sealed class FullDiskTests : IAsyncLifetime
{
    private readonly string _mount = Directory.CreateTempSubdirectory("ota-full-").FullName;
    private bool _mounted;

    public ValueTask InitializeAsync()
    {
        _mounted = OperatingSystem.IsLinux() && Run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", _mount);
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        if (_mounted)
            Run("umount", _mount);
        Directory.Delete(_mount, recursive: true);
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_full_disk_is_507_leaves_nothing_and_loses_nothing()
    {
        if (!_mounted)
        {
            Assert.SkipWhen(Environment.GetEnvironmentVariable("CI") != "true", "A small file system takes root to mount.");
            Assert.Fail("In CI a small file system must be mountable.");
        }

        await using var server = await RunningServer.StartAsync(_mount);
        var enrollmentKey = await server.AddProductAsync();
        var device = await ADevice.EnrollAsync(server, enrollmentKey);
        await server.UploadedAsync(ABuild.Of("1.0.0"));
        var stored = server.StoredFiles;

        using (var upload = await server.UploadAsync(ABuild.Of("1.1.0", new string('x', 9_000_000))))
        {
            Assert.Equal(507, (int)upload.StatusCode);
            Assert.Contains("storage-full", await upload.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        Assert.Equal(stored, server.StoredFiles);

        var filler = Path.Combine(_mount, "filler");
        Fill(filler);
        var acknowledged = 0;
        var status = HttpStatusCode.NoContent;
        for (var seq = 1; seq <= 2000 && status == HttpStatusCode.NoContent; seq++)
        {
            using var answer = await device.ReportAsync(new { seq, at = 0, deployment = "1", state = "accepted", detail = new string('d', 200) });
            status = answer.StatusCode;
            acknowledged += status == HttpStatusCode.NoContent ? 1 : 0;
        }

        Assert.Equal(507, (int)status);
        File.Delete(filler);
        using (var again = await device.ReportAsync(new { seq = 5000, at = 0, deployment = "1", state = "accepted" }))
            Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);

        await server.RestartAsync();
        using var database = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(server.Data, "ota.db")};Mode=ReadOnly");
        database.Open();
        Assert.Equal(acknowledged + 1, Dapper.SqlMapper.ExecuteScalar<int>(database, "SELECT count(*) FROM reports"));
    }

    private static void Fill(string path)
    {
        try
        {
            using var file = File.Create(path);
            var block = new byte[4096];
            while (true)
            {
                file.Write(block);
                file.Flush();
            }
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    private static bool Run(string command, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(command, arguments) { RedirectStandardError = true })!;
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
