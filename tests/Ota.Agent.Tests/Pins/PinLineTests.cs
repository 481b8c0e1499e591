using System.Collections.Concurrent;
using Microsoft.AspNetCore.Http;
using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Pins;

/// <summary>The virtual pins of docs/protocol.md §8 as the agent serves them, on a whole device over the wire.</summary>
public sealed class PinLineTests : IAsyncLifetime
{
    private readonly ConcurrentQueue<(int Status, string Body, int? RetryAfter)> _answers = new();
    private readonly ConcurrentQueue<string> _asked = new();
    private Bench _bench = null!;

    public async ValueTask InitializeAsync()
    {
        _bench = await Bench.RunningAsync();
        _bench.Device.Unit.PinWait = 20;
        _bench.RunUntilSettled();
        _bench.Server.Intercept = AnswerAsync;
    }

    public ValueTask DisposeAsync() => _bench.DisposeAsync();

    [Fact]
    public void Told_to_check_now_it_checks_in_at_once()
    {
        var checkIns = _bench.Server.CheckIns.Count;
        Answers(200, """{"seq":7,"writes":[{"pin":251,"value":"1","system":"check-now"}]}""");

        Assert.True(_bench.Device.ServePins(20));
        _bench.Device.Step();

        Assert.Equal(checkIns + 1, _bench.Server.CheckIns.Count);

        // Once a second at the most, and after what it has heard.
        Assert.False(_bench.Device.ServePins(20));
        _bench.Device.Clock.Advance(1);
        Answers(204);
        Assert.False(_bench.Device.ServePins(20));
        Assert.Equal(["GET ?after=0&wait=20 ", "GET ?after=7&wait=20 "], _asked);
    }

    [Fact]
    public void What_apps_write_reaches_the_application_and_what_is_the_servers_does_not()
    {
        Answers(200, """{"seq":9,"writes":[{"pin":5,"value":"warm"},{"pin":6,"value":"ü 😀"},{"pin":250,"value":"x","system":"news"}]}""");

        Assert.False(_bench.Device.ServePins(20));

        Assert.Equal([(5, "warm"), (6, "ü 😀")], _bench.Device.Pins.Told.OrderBy(told => told.Key).Select(told => (told.Key, told.Value)));
    }

    [Fact]
    public void What_the_application_writes_is_sent_in_order_and_again_when_the_server_asked_for_time()
    {
        var writes = _bench.Device.Pins.Writes;
        Assert.True(writes.Add(5, "1"));
        Assert.True(writes.Add(6, "say \"ü\""));
        Assert.True(writes.Add(5, "2"));
        Answers(429, retryAfter: 3);

        Assert.False(_bench.Device.ServePins(0));
        Assert.False(_bench.Device.ServePins(0));
        _bench.Device.Clock.Advance(3);
        Answers(204);
        Answers(204);
        Assert.False(_bench.Device.ServePins(0));

        Assert.Equal(
            ["PUT /5 {\"value\":\"2\"}", "PUT /5 {\"value\":\"2\"}", "PUT /6 {\"value\":\"say \\\"ü\\\"\"}"], _asked);
    }

    [Fact]
    public void A_write_that_is_refused_for_good_does_not_hold_up_the_next()
    {
        _bench.Device.Pins.Writes.Add(252, "mine");
        _bench.Device.Pins.Writes.Add(5, "1");
        Answers(422);
        Answers(204);

        _bench.Device.ServePins(0);

        Assert.Equal(2, _asked.Count);
    }

    [Theory]
    [InlineData(401, "")]
    [InlineData(404, "")]
    [InlineData(500, "")]
    [InlineData(302, "")]
    [InlineData(200, "<html>Please log in</html>")]
    [InlineData(200, "{}")]
    [InlineData(200, """{"seq":"7","writes":[]}""")]
    [InlineData(200, """{"seq":7,"writes":[5]}""")]
    [InlineData(200, """{"seq":7,"writes":[{"pin":256,"value":"x"}]}""")]
    [InlineData(200, """{"seq":7,"writes":[{"pin":5,"value":5}]}""")]
    public void An_answer_that_is_none_means_to_ask_later_and_nothing_else(int status, string body)
    {
        var operations = _bench.Device.Flash.Operations;
        var identity = _bench.Device.Agent!.Identity;
        Answers(status, body);

        Assert.False(_bench.Device.ServePins(20));
        Assert.False(_bench.Device.ServePins(20));
        Assert.Single(_asked);
        _bench.Device.Clock.Advance(30);
        Answers(204);
        Assert.False(_bench.Device.ServePins(20));

        Assert.Equal(["GET ?after=0&wait=20 ", "GET ?after=0&wait=20 "], _asked);
        Assert.Equal(operations, _bench.Device.Flash.Operations);
        Assert.Same(identity, _bench.Device.Agent.Identity);
        Assert.Equal("1.0.0", _bench.Running);
    }

    [Fact]
    public void Who_answers_nothing_at_once_is_not_asked_in_a_circle()
    {
        Answers(204);
        Assert.False(_bench.Device.ServePins(20));
        Assert.False(_bench.Device.ServePins(20));

        Assert.Single(_asked);
    }

    [Fact]
    public void Pins_cost_the_flash_nothing()
    {
        var operations = _bench.Device.Flash.Operations;
        for (var i = 1; i <= 100; i++)
        {
            _bench.Device.Pins.Writes.Add(i % 10, $"{i}");
            Answers(204);
            Answers(200, $$"""{"seq":{{i}},"writes":[{"pin":5,"value":"{{i}}"}]}""");
            _bench.Device.ServePins(20);
        }

        Assert.Equal(200, _asked.Count);
        Assert.Equal("100", _bench.Device.Pins.Told[5]);
        Assert.Equal(operations, _bench.Device.Flash.Operations);
    }

    [Fact]
    public void A_device_without_a_network_asks_for_no_pins()
    {
        _bench.Device.Radio.Forget();

        Assert.False(_bench.Device.ServePins(20));

        Assert.Empty(_asked);
    }

    [Fact]
    public void The_queue_is_bounded_and_takes_only_what_the_server_would()
    {
        var queue = new PinQueue();
        for (var pin = 0; pin < PinQueue.Most; pin++)
            Assert.True(queue.Add(pin, "x"));
        Assert.False(queue.Add(100, "x"));
        Assert.True(queue.Add(0, "y"));
        Assert.All(
            [(-1, "x"), (256, "x"), (0, null), (0, "a\nb"), (0, "a\0"), (0, new string('x', 1025)), (0, new string('é', 513))],
            bad => Assert.False(queue.Add(bad.Item1, bad.Item2)));
        Assert.Equal((0, "y"), (queue.Take().Pin, queue.Take() is null ? "" : "y"));
    }

    private void Answers(int status, string body = "", int? retryAfter = null) => _answers.Enqueue((status, body, retryAfter));

    private async Task<bool> AnswerAsync(HttpContext context)
    {
        var request = context.Request;
        if (!request.Path.StartsWithSegments("/agent/v1/pins", out var rest))
            return false;
        using var reader = new StreamReader(request.Body);
        _asked.Enqueue($"{request.Method} {rest}{request.QueryString} {await reader.ReadToEndAsync()}");
        Assert.Equal($"Bearer {Vectors.Identity.Device}.{Vectors.Identity.Token}", request.Headers.Authorization);
        if (!_answers.TryDequeue(out var answer))
            answer = (500, "", null);
        context.Response.StatusCode = answer.Status;
        if (answer.RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = $"{seconds}";
        if (answer.Body.Length > 0)
            await context.Response.WriteAsync(answer.Body);
        return true;
    }
}
