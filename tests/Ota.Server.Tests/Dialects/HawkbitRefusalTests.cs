using System.Net.Http.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>What the server refuses of clients of hawkBit: strangers, and what makes no sense.</summary>
public class HawkbitRefusalTests : IAsyncLifetime
{
    private RunningServer _server = null!;
    private AHawkbitClient _client = null!;

    public virtual async ValueTask InitializeAsync()
    {
        _server = await RunningServer.StartAsync();
        await _server.AddProductAsync();
        _client = await AHawkbitClient.AdoptAsync(_server);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_gateway_token_enrolls_whom_the_product_allows_and_opens_nothing_of_our_own_agents()
    {
        using var rules = await _server.Admin.PutAsJsonAsync("api/v1/products/kettle/dialects", new { dialects = new { enrolls = true } });
        var key = (await _server.GetAsync("api/v1/products/kettle")).GetProperty("dialectKey").GetString();
        var enrollment = (await _server.GetAsync("api/v1/products/kettle")).GetProperty("enrollmentKey").GetString()!;
        await ADevice.EnrollAsync(_server, enrollment, "24:6f:28:00:00:09");

        AHawkbitClient At(string id, string token) => new(_server, $"/hawkbit/kettle/controller/v1/{id}?hardware=virtual", "GatewayToken " + token, id);
        Assert.Equal(200, (await At("gate-7", key!).GetAsync(At("gate-7", key!).Path)).Status);
        Assert.Equal("gate-7", (await _server.GetAsync("api/v1/devices/gate-7")).GetProperty("hardwareId").GetString());
        Assert.Equal(401, (await At("gate-8", key![..^1]).GetAsync(At("gate-8", key).Path)).Status);
        Assert.Equal(401, (await At("x", key).GetAsync(At("24:6f:28:00:00:09", key).Path)).Status);
        Assert.Equal(401, (await At("x", key).GetAsync(At("a%20b", key).Path)).Status);
    }

    [Fact]
    public async Task Strangers_are_told_nothing_of_who_is_known()
    {
        var token = new string('A', 43);
        var known = await new AHawkbitClient(_server, _client.Path, "TargetToken " + token, "").GetAsync(_client.Path);
        foreach (var (path, authorization) in new[]
        {
            ("/hawkbit/kettle/controller/v1/nobody", "TargetToken " + token), ("/hawkbit/nothing/controller/v1/nobody", "TargetToken " + token),
            (_client.Path, "GatewayToken " + token), (_client.Path, "Bearer " + token), (_client.Path + "/deploymentBase/2", "TargetToken"),
            (_client.Path + "/softwaremodules/x/artifacts/y.swu", "TargetToken x"), (_client.Path + "/cancelAction/1", "TargetToken " + new string('B', 5000)),
        })
        {
            var answer = await new AHawkbitClient(_server, path, authorization, "").GetAsync(path);
            Assert.Equal(401, answer.Status);
            Assert.Equal(AHawkbitClient.Parse(known).GetProperty("detail").GetString(), AHawkbitClient.Parse(answer).GetProperty("detail").GetString());
        }
    }

    [Fact]
    public async Task The_token_of_one_device_opens_no_other()
    {
        var other = await AHawkbitClient.AdoptAsync(_server, "24:6f:28:aa:3f:21");

        Assert.Equal(401, (await _client.GetAsync(other.Path)).Status);
    }

    [Theory]
    [InlineData("", 400)]
    [InlineData("null", 400)]
    [InlineData("[]", 400)]
    [InlineData("{}", 400)]
    [InlineData("{\"data\":[]}", 400)]
    [InlineData("{\"data\":{\"sw_version\":{\"a\":1}}}", 400)]
    [InlineData("{\"data\":{\"sw_version\":\"\\ud800\"}}", 400)]
    [InlineData("{\"data\":{\"\\ud800\":\"x\"}}", 400)]
    [InlineData("{\"data\":{\"\":\"x\"}}", 400)]
    [InlineData("{\"mode\":\"wipe\",\"data\":{}}", 400)]
    [InlineData("{\"data\":{\"sw_version\":\"1.0.0\\u0000\"}}", 200)]
    [InlineData("{\"data\":{\"rssi\":1e308,\"uptime\":-1,\"sw_version\":true}}", 200)]
    public async Task Attributes_that_cannot_be_kept_are_refused_whole(string json, int status)
    {
        var answer = await _client.SendAsync("PUT", _client.Path + "/configData", json);

        Assert.Equal(status, answer.Status);
        await _client.TellAsync("1.0.0");
        Assert.Equal("1.0.0", (await _client.ShownAsync()).GetProperty("running").GetString());
    }

    [Fact]
    public async Task What_is_too_much_is_refused_and_nothing_of_it_is_kept()
    {
        Assert.Equal(413, (await _client.SendAsync("PUT", _client.Path + "/configData", "{\"data\":{\"a\":\"" + new string('x', 70_000) + "\"}}")).Status);
        var deep = string.Concat(Enumerable.Repeat("{\"data\":", 1000)) + "1" + new string('}', 1000);
        Assert.Equal(400, (await _client.SendAsync("PUT", _client.Path + "/configData", deep)).Status);
        var many = string.Join(',', Enumerable.Range(0, 129).Select(i => $"\"a{i}\":1"));
        Assert.Equal(400, (await _client.SendAsync("PUT", _client.Path + "/configData", $"{{\"data\":{{{many}}}}}")).Status);
        Assert.Equal(415, (await _client.SendAsync("PUT", _client.Path + "/configData", "{}", "text/plain")).Status);
        Assert.Contains("configData", await _client.PollAsync());
        Assert.Equal(431, (await _client.GetAsync(_client.Path, string.Concat(Enumerable.Range(0, 200).Select(i => $"x-{i}: 1\r\n")))).Status);
    }

    [Fact]
    public async Task Feedback_that_is_none_changes_nothing()
    {
        await _server.UploadedAsync(ABuild.Of("1.1.0", "070702 the next"));
        await _server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.1.0", device = _client.Device });
        var action = await _client.ActionAsync();
        foreach (var json in new[]
        {
            "", "{}", "{\"status\":null}", "{\"status\":{\"execution\":\"closed\",\"result\":{\"finished\":\"perhaps\"}}}", "{\"status\":{\"execution\":\"exploded\"}}",
            "{\"status\":{\"execution\":7}}", "{\"status\":{\"execution\":\"closed\"",
        })
            Assert.Equal(400, (await _client.SendAsync("POST", $"{_client.Path}/deploymentBase/{action.Id}/feedback", json)).Status);
        foreach (var other in new[] { "0", "1", "99999999999999999999999", "-" + action.Id, action.Id + "1", "x" })
            Assert.Equal(410, (await _client.SendAsync("POST", $"{_client.Path}/deploymentBase/{other}/feedback", "{\"status\":{\"execution\":\"closed\"}}")).Status);

        Assert.Equal("offered", await _client.StateAsync());
        var strange = "{\"status\":{\"execution\":\"proceeding\",\"result\":{\"finished\":\"none\",\"progress\":{\"cnt\":1e300,\"of\":0}},\"details\":[\"\\ud800\",7,null,\"a\\u0000b\"]}}";
        Assert.Equal(200, (await _client.SendAsync("POST", $"{_client.Path}/deploymentBase/{action.Id}/feedback", strange)).Status);
        Assert.Equal("downloading", await _client.StateAsync());
    }
}
