using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ota.Server.Tests.Running;
using Ota.Signing;

namespace Ota.Server.Tests.CheckIns;

/// <summary>What the owner before says must not count as the next one's.</summary>
public class HandOverTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _before = null!;
    private string _enrollmentKey = "";

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _before = await ADevice.EnrollAsync(_server, _enrollmentKey);
        await _before.HeldAsync();
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_check_in_that_was_under_way_during_a_hand_over_changes_nothing()
    {
        using var answer = await SlowlyAsync("agent/v1/check-in", _before.Said());

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        // The next owner's identity is still unused, so an answer that was lost can be asked for again.
        using var again = await ADevice.AskAsync(_server, _enrollmentKey);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task A_check_in_that_was_under_way_is_not_taken_for_the_next_owners_either_once_that_one_has_checked_in()
    {
        using var answer = await SlowlyAsync("agent/v1/check-in", _before.Said(), after => after.HeldAsync());

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
    }

    [Fact]
    public async Task A_report_that_was_under_way_during_a_hand_over_does_not_move_the_next_owners_deployment()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        var deployment = (await _before.OfferedAsync()).GetProperty("deployment").GetString();

        using var answer = await SlowlyAsync("agent/v1/reports", new[] { new { seq = 1, at = 0, deployment, state = "failed" } });

        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Equal("offered", await _before.StateAsync());
    }

    [Fact]
    public async Task A_check_in_that_is_written_behind_a_hand_over_does_not_use_up_the_next_owners_identity()
    {
        await _before.HeldAsync();
        await HandOverAsync();

        await _server.RestartAsync();

        using var again = await ADevice.AskAsync(_server, _enrollmentKey);
        Assert.Equal(HttpStatusCode.OK, again.StatusCode);
    }

    [Fact]
    public async Task Keys_that_the_device_refused_before_a_hand_over_are_offered_to_the_next_one()
    {
        var keys = KeyStatement.Of("kettle", 1, 1767225600, [Vectors.Key("TEST-ONLY-next-release-key.pub.pem")]).Sign(RunningServer.ReleaseKey);
        using var rotated = await _server.Admin.PostAsync(
            "api/v1/products/kettle/key-statements", new StringContent(keys, System.Text.Encoding.ASCII, "application/jose"));
        Assert.Equal(HttpStatusCode.OK, rotated.StatusCode);
        var deployment = (await _before.OfferedAsync()).GetProperty("deployment").GetString();
        await _before.ReportAsync(new { seq = 1, at = 0, deployment, state = "refused", detail = "statement-signature" });
        await _before.HeldAsync();

        var after = await HandOverAsync();

        Assert.Equal("rotate", (await after.OfferedAsync()).GetProperty("action").GetString());
    }

    private async Task<ADevice> HandOverAsync()
    {
        await _server.PostAsync($"api/v1/devices/{_before.Id}/hand-over", new { reason = "sold" });
        return await ADevice.EnrollAsync(_server, _enrollmentKey);
    }

    // The server asks for the body once it knows the caller: the hand-over comes in between.
    private async Task<HttpResponseMessage> SlowlyAsync(string path, object said, Func<ADevice, Task>? then = null)
    {
        using var handler = new SocketsHttpHandler { Expect100ContinueTimeout = TimeSpan.FromMinutes(1) };
        using var client = new HttpClient(handler) { BaseAddress = _server.Anyone.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new LateContent(JsonSerializer.SerializeToUtf8Bytes(said), async () =>
        {
            var after = await HandOverAsync();
            if (then is not null)
                await then(after);
        });
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _before.Id + "." + _before.Token);
        request.Headers.ExpectContinue = true;
        return await client.SendAsync(request);
    }

    private sealed class LateContent : HttpContent
    {
        private readonly byte[] _body;
        private readonly Func<Task> _first;

        public LateContent(byte[] body, Func<Task> first)
        {
            (_body, _first) = (body, first);
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await _first();
            await stream.WriteAsync(_body);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
