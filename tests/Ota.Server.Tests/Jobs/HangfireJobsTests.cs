using System.Globalization;
using System.Net;
using Hangfire;
using Hangfire.Storage;
using Microsoft.Extensions.DependencyInjection;
using Ota.Jobs.Hangfire;
using Ota.Server.Jobs;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Jobs;

/// <summary>
/// What is due is done by Hangfire (-p:Jobs=Hangfire), embedded and by one of several servers. Hangfire has one log for a process, that of the
/// server which was made last: while others come and go beside it, it would fail.
/// </summary>
[Collection(nameof(HangfireJobsTests))]
[CollectionDefinition(nameof(HangfireJobsTests), DisableParallelization = true)]
public sealed class HangfireJobsTests
{
    // Runs come every 15 s, are seen within 3 s, and fetched within 3 s.
    private const int TwoRuns = 45;
    private const int FourRuns = 75;

    [Fact]
    public async Task What_is_over_its_time_ends_by_itself()
    {
        await using var server = await RunningServer.StartAsync();
        var device = await Due.ArmedAsync(server);
        server.Time.Ahead = TimeSpan.FromDays(15);

        await Due.UntilAsync(async () => await device.StateAsync() == "expired", TwoRuns);

        if (OperatingSystem.IsWindows())
            return;
        foreach (var file in Directory.EnumerateFiles(server.Data, "jobs.db*"))
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_restart_plans_nothing_anew(bool isShared)
    {
        await using var server = isShared ? await RunningServer.OnPostgreSqlAsync() : await RunningServer.StartAsync();
        await Due.UntilAsync(() => Task.FromResult(Planned(server).Count == DueWork.All.Count));
        var before = Planned(server);

        await server.RestartAsync();

        await Due.UntilAsync(() => Task.FromResult(Storage(server).GetMonitoringApi().Servers().Count > 0));
        Assert.Equal(before["retain-images"], Planned(server)["retain-images"]);
        Assert.Equal(DueWork.All.Count, Planned(server).Count);
    }

    [Fact]
    public async Task What_two_servers_share_is_done_once_and_by_the_other_when_one_is_gone()
    {
        await using var one = await RunningServer.OnPostgreSqlAsync();
        var two = await RunningServer.OnPostgreSqlAsync(one);
        await Due.UntilAsync(() => Task.FromResult(Storage(one).GetMonitoringApi().Servers().Count == 2));
        await Due.UntilAsync(() => Task.FromResult(Runs(one).Length >= 3), FourRuns);

        // Whoever ran it, no two runs of one time, nor closer together than the schedule.
        var runs = Runs(one);
        Assert.All(runs.Zip(runs.Skip(1)), pair => Assert.True(pair.Second - pair.First > TimeSpan.FromSeconds(8), $"{pair}"));

        var device = await Due.ArmedAsync(one);
        await one.RestartAsync();
        await two.DisposeAsync();
        one.Time.Ahead = TimeSpan.FromDays(15);
        await Due.UntilAsync(async () => await device.StateAsync() == "expired", TwoRuns);
    }

    [Theory]
    [InlineData("00:00:15", "*/15 * * * * *")]
    [InlineData("00:01:00", "0 */1 * * * *")]
    [InlineData("01:00:00", "0 0 */1 * * *")]
    [InlineData("1.00:00:00", "0 0 0 * * *")]
    [InlineData("00:00:07", null)]
    [InlineData("00:01:30", null)]
    [InlineData("00:00:00", null)]
    public void An_interval_is_the_same_all_day_or_refused(string every, string? cron)
    {
        if (cron is null)
            Assert.Throws<ArgumentOutOfRangeException>(() => CronPolicy.Every(TimeSpan.Parse(every, CultureInfo.InvariantCulture)));
        else
            Assert.Equal(cron, CronPolicy.Every(TimeSpan.Parse(every, CultureInfo.InvariantCulture)));
    }

    [Fact]
    public async Task The_dashboard_is_for_admins_who_look()
    {
        await using var server = await RunningServer.StartAsync();
        await Due.UntilAsync(() => Task.FromResult(Planned(server).Count == DueWork.All.Count));

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(server.Anyone));
        foreach (var role in (string[])["viewer", "support", "developer"])
        {
            using var client = await server.AsAsync(role);
            Assert.Equal(HttpStatusCode.Forbidden, await StatusAsync(client));
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync(server.Admin));
        Assert.Contains("summarize-evidence", await server.Admin.GetStringAsync("jobs/recurring"), StringComparison.Ordinal);

        using var jobs = new FormUrlEncodedContent([new("jobs[]", "retain-images")]);
        using var refused = await server.Admin.PostAsync("jobs/recurring/remove", jobs);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal(DueWork.All.Count, Planned(server).Count);
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("jobs");
        return answer.StatusCode;
    }

    private static JobStorage Storage(RunningServer server) => server.App.Services.GetRequiredService<JobStorage>();

    // The next time of each.
    private static Dictionary<string, DateTime?> Planned(RunningServer server)
    {
        using var connection = Storage(server).GetConnection();
        return connection.GetRecurringJobs().ToDictionary(job => job.Id, job => job.NextExecution);
    }

    // When each run of the most frequent work succeeded.
    private static DateTime[] Runs(RunningServer server) =>
    [
        .. Storage(server).GetMonitoringApi().SucceededJobs(0, 100)
            .Where(job => job.Value.Job.Args[0] is "expire").Select(job => job.Value.SucceededAt!.Value).Order(),
    ];
}
