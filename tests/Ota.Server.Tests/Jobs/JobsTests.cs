using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Jobs;
using Ota.Server.Tests.Running;
using Quartz;

namespace Ota.Server.Tests.Jobs;

/// <summary>What is due is done by Quartz, embedded and by one of several servers.</summary>
public sealed class JobsTests
{
    [Fact]
    public async Task An_embedded_server_looks_at_all_that_is_due_soon_after_its_start()
    {
        await using var server = await RunningServer.StartAsync();

        var scheduler = await SchedulerAsync(server);
        foreach (var work in DueWork.All)
        {
            var trigger = await scheduler.GetTrigger(new TriggerKey(work.Name));
            var next = trigger!.NextFireTimeUtc;
            Assert.True(next < DateTimeOffset.UtcNow.AddMinutes(1.1), $"{work.Name} at {next}");
        }
    }

    [Fact]
    public async Task What_is_over_its_time_ends_when_the_schedule_says_so()
    {
        await using var server = await RunningServer.StartAsync();
        var device = await Due.ArmedAsync(server);
        server.Time.Ahead = TimeSpan.FromDays(15);

        await (await SchedulerAsync(server)).TriggerJob(new JobKey("expire"));

        await Due.UntilAsync(async () => await device.StateAsync() == "expired");
    }

    [Fact]
    public async Task What_two_servers_share_is_done_by_one_of_them_and_by_the_other_when_that_one_is_gone()
    {
        await using var one = await RunningServer.OnPostgreSqlAsync();
        var two = await RunningServer.OnPostgreSqlAsync(one);
        var database = one.App.Services.GetRequiredService<Database>();
        await Due.UntilAsync(() => Task.FromResult(Planned() == DueWork.All.Count && Servers() == 2));

        // Restarting one plans nothing anew: what was about to run still is.
        var before = Next();
        await one.RestartAsync();
        database = one.App.Services.GetRequiredService<Database>();
        Assert.Equal(before["retain-images"], Next()["retain-images"]);

        var device = await Due.ArmedAsync(one);
        one.Time.Ahead = two.Time.Ahead = TimeSpan.FromDays(15);
        await two.DisposeAsync();
        await (await SchedulerAsync(one)).TriggerJob(new JobKey("expire"));
        await Due.UntilAsync(async () => await device.StateAsync() == "expired");

        long Planned() => database.Read(connection => connection.ExecuteScalar<long>("SELECT count(*) FROM qrtz_triggers"));
        long Servers() => database.Read(connection => connection.ExecuteScalar<long>("SELECT count(*) FROM qrtz_scheduler_state"));
        Dictionary<string, long> Next() => database.Read(connection =>
            connection.Query<(string Name, long At)>("SELECT trigger_name, next_fire_time FROM qrtz_triggers").ToDictionary(row => row.Name, row => row.At));
    }

    [Fact]
    public async Task Work_that_a_later_version_put_into_the_store_is_left_alone()
    {
        await using var server = await RunningServer.StartAsync();

        await server.App.Services.GetRequiredService<DueWorker>().DoAsync("of-a-later-version", CancellationToken.None);
    }

    private static Task<IScheduler> SchedulerAsync(RunningServer server) =>
        server.App.Services.GetRequiredService<ISchedulerFactory>().GetScheduler(CancellationToken.None).AsTask();
}
