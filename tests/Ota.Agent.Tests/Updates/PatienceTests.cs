using Microsoft.AspNetCore.Http;
using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Updates;

/// <summary>Bare errors clear nothing and write nothing; polls come when the server says, within bounds.</summary>
public sealed class PatienceTests
{
    [Fact]
    public async Task Thousands_of_bare_errors_of_all_kinds_change_nothing()
    {
        await using var bench = await Bench.RunningAsync();
        var flash = bench.Device.Flash.Operations;
        var before = Records(bench);
        var kinds = BadAnswers.All;
        var asked = 0;
        bench.Server.Intercept = async context =>
        {
            await kinds[asked++ % kinds.Count](context);
            return true;
        };

        bench.Run(4000);

        Assert.InRange(asked, 4000, int.MaxValue);
        Assert.Equal(flash, bench.Device.Flash.Operations);
        Assert.Equal(before, Records(bench));
        Assert.NotNull(bench.Device.Agent!.Identity);
        Assert.Equal("1.0.0", bench.Running);
        bench.Server.Intercept = null;
        bench.RunUntilSettled();
    }

    [Fact]
    public async Task Gone_with_an_order_that_is_not_for_this_device_clears_nothing()
    {
        await using var bench = await Bench.RunningAsync();
        var order = new OrderDraft("decommission", 2, null) { Device = "zzzzzzzzzzzz" }.Sign();
        bench.Server.Intercept = async context =>
        {
            if (context.Request.Path != "/agent/v1/check-in")
                return false;
            await BadAnswers.Body(410, $$"""{"order":"{{order}}"}""")(context);
            return true;
        };

        bench.Run(20);

        Assert.NotNull(bench.Device.Agent!.Identity);
        Assert.Equal(1, bench.Device.Agent.Networks.Count);
        Assert.Equal(["order-device"], bench.Refusals());
    }

    [Theory]
    [InlineData(3600, 3600, 3600)]
    [InlineData(0, 10, 10)]
    [InlineData(1, 10, 10)]
    [InlineData(999_999_999, 172_800, 172_800)]
    // No protocol answer at all, so it is asked again soon.
    [InlineData(null, 30, 38)]
    public async Task The_next_check_in_comes_when_the_server_said_within_bounds(int? retryAfter, int least, int most)
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.RetryAfter = retryAfter;

        Assert.InRange(bench.Device.Step(), least, most);
    }

    [Fact]
    public async Task Who_is_told_that_it_calls_too_often_comes_back_when_it_was_told_to()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Intercept = context =>
        {
            (context.Response.StatusCode, context.Response.Headers.RetryAfter) = (429, "600");
            return Task.FromResult(true);
        };

        Assert.InRange(bench.Device.Step(), 600, 751);
    }

    [Fact]
    public async Task Retries_come_ever_later_up_to_about_an_hour()
    {
        await using var bench = await Bench.RunningAsync();
        bench.Server.Intercept = context =>
        {
            context.Response.StatusCode = 500;
            return Task.FromResult(true);
        };

        var waits = Enumerable.Range(0, 12).Select(_ => bench.Device.Step()).ToList();

        Assert.InRange(waits[0], 30, 38);
        Assert.InRange(waits[3], 240, 301);
        Assert.All(waits, wait => Assert.InRange(wait, 30, 4501));
        Assert.InRange(waits[11], 3600, 4501);
    }

    [Fact]
    public async Task The_clock_comes_from_protocol_answers_and_not_from_a_portals_page()
    {
        await using var bench = await Bench.NewDeviceAsync();
        bench.Device.Step();
        Assert.Equal(bench.Server.Now, bench.Device.Clock.Now);

        bench.Server.Now += 10_000_000;
        bench.Server.Intercept = async context =>
        {
            await BadAnswers.Body(200, "<html></html>")(context);
            return true;
        };
        bench.Device.Step();

        Assert.Equal(bench.Server.Now - 10_000_000, bench.Device.Clock.Now);
    }

    [Theory]
    [InlineData(403)]
    [InlineData(409)]
    [InlineData(422)]
    [InlineData(500)]
    public async Task A_device_that_is_not_enrolled_keeps_asking(int status)
    {
        await using var bench = await Bench.NewDeviceAsync();
        bench.Server.Intercept = context =>
        {
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };
        var flash = bench.Device.Flash.Operations;
        bench.Device.Step();
        var started = bench.Device.Flash.Operations;
        bench.Run(50);
        Assert.Equal("not-enrolled", bench.Device.Status().State);
        Assert.Equal(started, bench.Device.Flash.Operations);
        Assert.InRange(started - flash, 1, 2);

        bench.Server.Intercept = null;
        bench.RunUntilSettled();
        Assert.Equal(Vectors.Identity.Device, bench.Device.Status().Device);
    }

    private static string[] Records(Bench bench) =>
        [.. Enumerable.Range(0, 8).Select(i => Convert.ToHexString(bench.Device.Records.Read(i / 2, i % 2) ?? []))];
}
