using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Http;

public sealed class BadInputTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private ADevice _device = null!;
    private string _enrollmentKey = "";

    public async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        _enrollmentKey = await _server.AddProductAsync();
        _device = await ADevice.EnrollAsync(_server, _enrollmentKey);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("agent/v1/check-in", "{", 400)]
    [InlineData("agent/v1/check-in", "[]", 400)]
    [InlineData("agent/v1/check-in", "null", 400)]
    [InlineData("agent/v1/check-in", "{}", 400)]
    [InlineData("agent/v1/check-in", """{"running":"1.0.0","slot":"A","restart":{"cause":"update"},"hardware":"virtual"}""", 400)]
    [InlineData("agent/v1/check-in", """{"running":"1.0.0","slot":"trial","restart":{"cause":"bored"},"hardware":"virtual"}""", 400)]
    [InlineData("agent/v1/check-in", """{"running":"../etc","slot":"trial","restart":{"cause":"update"},"hardware":"virtual"}""", 400)]
    [InlineData("agent/v1/check-in", """{"running":"1.0.0","slot":"trial","lastOrder":-1,"restart":{"cause":"update"},"hardware":"virtual"}""", 400)]
    [InlineData("agent/v1/check-in", """{"running":"1.0.0","slot":"trial","lastOrder":99999999999999999999,"restart":{"cause":"update"},"hardware":"virtual"}""", 400)]
    [InlineData("agent/v1/reports", "{}", 400)]
    [InlineData("agent/v1/reports", "[null]", 400)]
    [InlineData("agent/v1/reports", """[{"seq":1,"at":0,"deployment":"1","state":"exploded"}]""", 400)]
    [InlineData("agent/v1/reports", """[{"seq":-1,"at":0,"deployment":"1","state":"trial"}]""", 400)]
    [InlineData("agent/v1/reports", "[]", 204)]
    [InlineData("agent/v1/check-in", """{"running":"1.0.0","slot":"confirmed","restart":{"cause":"update"},"hardware":"virtual","unknown":{"a":[1]}}""", 204)]
    public async Task A_device_call_with_a_bad_body_says_what_is_wrong(string path, string body, int status)
    {
        using var answer = await _device.PostAsync(path, new StringContent(body, Encoding.UTF8, "application/json"));
        Assert.Equal(status, (int)answer.StatusCode);
        if (status != 204)
            await ProblemAsync(answer);
    }

    [Theory]
    [InlineData("agent/v1/check-in", 5_000)]
    [InlineData("agent/v1/reports", 70_000)]
    [InlineData("agent/v1/enroll", 5_000)]
    public async Task A_body_beyond_its_bound_is_413_with_and_without_a_length(string path, int size)
    {
        var body = Encoding.ASCII.GetBytes("[\"" + new string('x', size) + "\"]");
        using var known = new ByteArrayContent(body);
        using var chunked = new StreamContent(new EndlessStream(body));
        foreach (HttpContent content in new HttpContent[] { known, chunked })
        {
            content.Headers.ContentType = new("application/json");
            using var answer = await _device.PostAsync(path, content);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
            await ProblemAsync(answer);
        }
    }

    [Theory]
    [InlineData("agent/v1/check-in")]
    [InlineData("agent/v1/reports")]
    [InlineData("agent/v1/enroll")]
    public async Task Anything_but_JSON_is_415(string path)
    {
        using var answer = await _device.PostAsync(path, new StringContent("{}", Encoding.UTF8, "text/html"));
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        await ProblemAsync(answer);
    }

    [Fact]
    public async Task An_unknown_device_and_a_wrong_token_are_told_the_same()
    {
        var unknown = new ADevice(_server, "zzzzzzzzzzzz", _device.Token);
        var wrong = new ADevice(_server, _device.Id, new string('A', 43));
        var empty = new ADevice(_server, _device.Id, "");

        var told = new List<string>();
        foreach (var device in new[] { unknown, wrong, empty })
        {
            using var answer = await device.CheckInAsync();
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
            told.Add(await ProblemAsync(answer));
        }

        Assert.Single(told.Distinct());
    }

    [Theory]
    [InlineData("POST", "api/v1/products", "{", 400)]
    [InlineData("POST", "api/v1/products", """{"name":"../x","hardware":["esp32"],"releaseKeys":["x"]}""", 400)]
    [InlineData("POST", "api/v1/products", """{"name":"a","hardware":["esp32"],"releaseKeys":["-----BEGIN PRIVATE KEY-----"]}""", 400)]
    [InlineData("POST", "api/v1/products", """{"name":"a","hardware":[null],"releaseKeys":[null]}""", 400)]
    [InlineData("POST", "api/v1/products", """{"name":"a","hardware":"esp32"}""", 400)]
    [InlineData("POST", "api/v1/deployments", """{"product":"kettle","version":"9.9.9","all":true}""", 404)]
    [InlineData("POST", "api/v1/deployments", "{}", 404)]
    [InlineData("POST", "api/v1/staff", """{"name":"x","role":"king"}""", 400)]
    [InlineData("POST", "api/v1/staff", """{"name":"a\nb","role":"viewer"}""", 400)]
    [InlineData("PUT", "api/v1/devices/nobody/group", """{"group":"x"}""", 404)]
    [InlineData("GET", "api/v1/devices?limit=0", "", 400)]
    [InlineData("GET", "api/v1/devices?limit=x", "", 400, "limit is a whole number, and not 'x'.")]
    [InlineData("GET", "api/v1/audit?after=x", "", 400, "after is a whole number, and not 'x'.")]
    [InlineData("GET", "api/v1/devices?product=teapot", "", 404, "no product 'teapot'")]
    [InlineData("GET", "api/v1/devices?state=bored", "", 400, "state is enrolled or that of a deployment: ordered, offered")]
    [InlineData("GET", "api/v1/deployments?product=teapot", "", 404, "no product 'teapot'")]
    [InlineData("GET", "api/v1/deployments?state=enrolled", "", 400, "state is one of ordered, offered")]
    [InlineData("GET", "api/v1/deployments?device=nobody", "", 404, "no device 'nobody'")]
    [InlineData("GET", "api/v1/rollouts?product=teapot", "", 404, "no product 'teapot'")]
    [InlineData("POST", "api/v1/products", "", 400, "takes a body of JSON")]
    [InlineData("POST", "api/v1/staff", "", 400, "takes a body of JSON")]
    [InlineData("PUT", "api/v1/devices/nobody/group", "", 400, "takes a body of JSON")]
    [InlineData("GET", "api/v1/products/..%2f..%2fetc%2fpasswd", "", 404)]
    [InlineData("GET", "api/v1/products/kettle/releases/..%2f1.0.0", "", 404)]
    [InlineData("GET", "api/v1/rollouts/99999999999999999999", "", 404)]
    [InlineData("DELETE", "api/v1/products", "", 405)]
    [InlineData("GET", "nothing/here", "", 404)]
    public async Task A_staff_call_with_bad_input_is_a_problem_with_advice(
        string method, string path, string body, int status, string says = "")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path)
        {
            Content = body.Length == 0 ? null : new StringContent(body, Encoding.UTF8, "application/json"),
        };
        using var answer = await _server.Admin.SendAsync(request);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Contains(says, await ProblemAsync(answer), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("images/..%2f..%2fdata%2fmaster.key")]
    [InlineData("images/%2e%2e%2fota.db")]
    [InlineData("images/0000000000000000000000000000000000000000000000000000000000000000")]
    public async Task No_path_leads_out_of_the_image_store(string path)
    {
        using var answer = await _device.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task An_image_link_works_until_it_expires_and_for_its_image_only()
    {
        var uploaded = await _server.UploadedAsync(ABuild.Of("1.0.0"));
        var sha256 = uploaded.GetProperty("image").GetProperty("sha256").GetString()!;
        var master = (Secrets.MasterSecret)_server.App.Services.GetService(typeof(Secrets.MasterSecret))!;
        var (soon, past) = (DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60);
        string Link(long expires, long signed) => $"images/{sha256}?expires={expires}&signature={master.ImageSignature(sha256, signed)}";

        Assert.Equal(HttpStatusCode.OK, (await _server.Anyone.GetAsync(Link(soon, soon))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _server.Anyone.GetAsync(Link(past, past))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _server.Anyone.GetAsync(Link(soon + 1, soon))).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _server.Anyone.GetAsync("images/" + sha256)).StatusCode);
    }

    [Fact]
    public async Task No_secret_is_in_a_log_line_or_a_problem()
    {
        await _server.UploadedAsync(ABuild.Of("1.0.0"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await _device.OfferedAsync();
        var key = (await _server.PostAsync("api/v1/staff", new { name = "x", role = "viewer" })).GetProperty("key").GetString()!;
        var told = new StringBuilder();
        using (var viewer = _server.With(key))
            told.Append(await (await viewer.GetAsync("api/v1/audit")).Content.ReadAsStringAsync());
        told.Append(await (await ADevice.AskAsync(_server, _enrollmentKey[..^1])).Content.ReadAsStringAsync());
        told.Append(await (await new ADevice(_server, _device.Id, _device.Token[..^1]).CheckInAsync()).Content.ReadAsStringAsync());

        var everything = _server.Log.Text + told;
        var master = File.ReadAllText(Path.Combine(_server.Data, "master.key")).Trim();
        Assert.All(
            new[] { key, _server.AdminKey, _device.Token, _device.Token[..^1], _enrollmentKey, _enrollmentKey[..^1], master },
            secret => Assert.DoesNotContain(secret, everything, StringComparison.Ordinal));
        var database = Encoding.Latin1.GetString(File.ReadAllBytes(Path.Combine(_server.Data, "ota.db-wal")));
        Assert.All(
            new[] { key, _server.AdminKey, _device.Token, _enrollmentKey, master },
            secret => Assert.DoesNotContain(secret, database, StringComparison.Ordinal));
    }

    private static async Task<string> ProblemAsync(HttpResponseMessage answer)
    {
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType?.MediaType);
        var problem = JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
        Assert.StartsWith("urn:ota:problem:", problem.GetProperty("type").GetString(), StringComparison.Ordinal);
        var detail = problem.GetProperty("detail").GetString()!;
        Assert.NotEmpty(detail);
        return detail;
    }

    /// <summary>A stream that does not know its length, so it is sent in chunks.</summary>
    private sealed class EndlessStream(byte[] bytes) : Stream
    {
        private int _at;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            var taken = Math.Min(count, bytes.Length - _at);
            Array.Copy(bytes, _at, buffer, offset, taken);
            _at += taken;
            return taken;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
