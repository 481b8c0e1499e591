using System.Collections.Concurrent;
using System.Net;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Sharing;

/// <summary>PostgreSQL that goes away and comes back.</summary>
public sealed class DatabaseFaultTests
{
    [Fact]
    public async Task A_database_that_is_restarted_under_load_costs_clean_refusals_and_nothing_that_was_acknowledged()
    {
        // Of its own: every other test's connections would break too.
        await using var postgreSql = new PostgreSql();
        await using var server = await RunningServer.OnPostgreSqlAsync(await postgreSql.NewDatabaseAsync(), beside: null, "--DeviceCallsPerMinute", "0");
        var key = await server.AddProductAsync();
        var devices = new List<ADevice>();
        for (var i = 0; i < 8; i++)
            devices.Add(await ADevice.EnrollAsync(server, key, $"02:00:00:00:06:{i:x2}"));
        var (acknowledged, answers) = (new ConcurrentBag<(string Device, int Seq)>(), new ConcurrentDictionary<HttpStatusCode, int>());
        using var enough = new CancellationTokenSource();
        var load = devices.Select(device => Task.Run(async () =>
        {
            for (var seq = 1; !enough.IsCancellationRequested; seq++)
            {
                device.Starts = seq;
                using var checkIn = await device.CheckInAsync();
                Count(checkIn);
                using var report = await device.ReportAsync(new { seq, at = 0, deployment = "1", state = "downloading" });
                Count(report);
                if (report.StatusCode == HttpStatusCode.NoContent)
                    acknowledged.Add((device.Id, seq));
            }
        })).ToArray();

        for (var restarts = 0; restarts < 3; restarts++)
        {
            await UntilAsync(() => acknowledged.Count > 100 * (restarts + 1));
            await postgreSql.RestartAsync();
        }

        var before = acknowledged.Count;
        await UntilAsync(() => acknowledged.Count > before + 100);
        await enough.CancelAsync();
        await Task.WhenAll(load);

        Assert.All(answers.Keys, status => Assert.Contains(status, (HttpStatusCode[])[HttpStatusCode.NoContent, HttpStatusCode.ServiceUnavailable]));
        Assert.True(answers.ContainsKey(HttpStatusCode.ServiceUnavailable));
        var kept = server.App.Services.GetRequiredService<Database>().Read(connection =>
            connection.Query<(string, int)>("SELECT device, seq FROM reports").ToHashSet());
        Assert.Empty(acknowledged.Except(kept));

        void Count(HttpResponseMessage answer)
        {
            answers.AddOrUpdate(answer.StatusCode, 1, (_, count) => count + 1);
            if (answer.StatusCode == HttpStatusCode.ServiceUnavailable)
                Assert.NotNull(answer.Headers.RetryAfter);
        }

        static async Task UntilAsync(Func<bool> isSo)
        {
            for (var patience = 0; !isSo(); patience++)
            {
                Assert.True(patience < 600, "nothing is acknowledged any more");
                await Task.Delay(50);
            }
        }
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port=1;Username=nobody;Password=sesame", "cannot be used")]
    [InlineData("this is no connection string; sesame", "no connection string")]
    public async Task A_database_that_is_not_there_is_told_at_the_start_without_the_password(string connectionString, string sentence)
    {
        var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.OnPostgreSqlAsync(connectionString));

        Assert.Contains(sentence, fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sesame", fault.Message, StringComparison.Ordinal);
    }
}
