using System.Globalization;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>
/// Sends what SWUpdate's suricatta and rauc-hawkbit-updater send, byte for byte where they differ, and takes what they take.
/// </summary>
internal sealed class AHawkbitClient(RunningServer server, string path, string authorization, string device)
{
    public const string Mac = "24:6f:28:aa:3f:20";

    /// <summary>More lines, each with its end.</summary>
    public string More { get; set; } = "";

    public string Path => path;

    public string Device => device;

    public static async Task<AHawkbitClient> AdoptAsync(RunningServer server, string mac = Mac, string? protection = null)
    {
        var view = await server.PostAsync("api/v1/products/kettle/clients", new { hardwareId = mac, dialect = "hawkbit", hardware = "virtual", protection });
        return new AHawkbitClient(
            server, view.GetProperty("path").GetString()!, "TargetToken " + view.GetProperty("token").GetString(), view.GetProperty("device").GetString()!);
    }

    /// <summary>A GET as SWUpdate's channel makes it, its doubled header too.</summary>
    public Task<RawAnswer> GetAsync(string address, string more = "", string method = "GET") => RawHttp.SendAsync(
        server,
        $"{method} {address} HTTP/1.1\r\nHost: {Authority}\r\nAccept: application/json\r\ncharsets: utf-8\r\n"
        + $"Content-Type: application/json\r\ncharsets: utf-8\r\nAuthorization: {authorization}\r\nConnection: close\r\n{More}{more}\r\n");

    public Task<RawAnswer> SendAsync(string method, string address, string json, string type = "application/json;charset=UTF-8") => RawHttp.SendAsync(
        server,
        $"{method} {address} HTTP/1.1\r\nHost: {Authority}\r\nAccept: application/json\r\nContent-Type: {type}\r\nAuthorization: {authorization}\r\n"
        + $"Connection: close\r\n{More}Content-Length: {Encoding.Latin1.GetByteCount(json)}\r\n\r\n{json}");

    /// <summary>The beginning of a request to what is below its address.</summary>
    public string Head(string method, string below) =>
        $"{method} {path}{below} HTTP/1.1\r\nHost: {Authority}\r\nAuthorization: {authorization}\r\nConnection: close\r\n";

    /// <summary>Polls; the links by their names.</summary>
    public async Task<Dictionary<string, string>> PollAsync()
    {
        var answer = await GetAsync(path);
        Assert.Equal(200, answer.Status);
        var root = Parse(answer);
        Assert.True(TimeSpan.TryParseExact(
            root.GetProperty("config").GetProperty("polling").GetProperty("sleep").GetString(), @"hh\:mm\:ss", CultureInfo.InvariantCulture, out var sleep));
        Assert.True(sleep >= TimeSpan.FromSeconds(5));
        return root.GetProperty("_links").EnumerateObject()
            .ToDictionary(link => link.Name, link => Local(link.Value.GetProperty("href").GetString()!));
    }

    /// <summary>Polls and reads the action that it is shown, by the members that both clients read.</summary>
    public async Task<AnAction> ActionAsync()
    {
        var links = await PollAsync();
        Assert.Contains("deploymentBase", links);
        Assert.DoesNotContain("cancelAction", links);
        return await ActionAtAsync(links["deploymentBase"]);
    }

    public async Task<AnAction> ActionAtAsync(string address)
    {
        var answer = await GetAsync(address);
        Assert.Equal(200, answer.Status);
        var root = Parse(answer);
        Assert.Equal("forced", root.GetProperty("deployment").GetProperty("update").GetString());
        var chunk = Assert.Single(root.GetProperty("deployment").GetProperty("chunks").EnumerateArray());
        Assert.NotEqual("", chunk.GetProperty("part").GetString());
        var artifact = Assert.Single(chunk.GetProperty("artifacts").EnumerateArray());
        return new AnAction(
            root.GetProperty("id").GetString()!,
            chunk.GetProperty("version").GetString()!,
            artifact.GetProperty("filename").GetString()!,
            artifact.GetProperty("hashes").GetProperty("sha1").GetString()!,
            artifact.GetProperty("size").GetInt64(),
            Local(artifact.GetProperty("_links").GetProperty("download-http").GetProperty("href").GetString()!));
    }

    /// <summary>HEAD, then GET, as SWUpdate does.</summary>
    public async Task<byte[]> FetchAsync(AnAction action)
    {
        Assert.Equal(action.Size.ToString(CultureInfo.InvariantCulture), (await GetAsync(action.Download, method: "HEAD")).Header("Content-Length"));
        var answer = await GetAsync(action.Download);
        Assert.Equal(200, answer.Status);
        Assert.Equal(action.Size, answer.Body.Length);
        return answer.Body;
    }

    /// <summary>As SWUpdate words it: the id a number.</summary>
    public Task<RawAnswer> FeedbackAsync(string action, string execution, string finished, string detail = "Installed Chunk.", string of = "deploymentBase") =>
        SendAsync(
            "POST",
            $"{path}/{of}/{action}/feedback",
            "{ \"id\": " + action + ", \"time\": \"20261121T111200\", \"status\": { \"result\": { \"progress\": { \"cnt\" : 1, \"of\" : 1 }, "
            + $"\"finished\": \"{finished}\" }}, \"execution\": \"{execution}\", \"details\" : [ \"{detail}\" ] }} }}",
            "application/json\r\ncharsets: utf-8");

    /// <summary>As rauc-hawkbit-updater tells them.</summary>
    public async Task TellAsync(string? version)
    {
        var data = version is null ? "\"product\":\"kettle\"" : $"\"product\":\"kettle\",\"sw_version\":\"{version}\",\"rssi\":\"-67\"";
        var answer = await SendAsync(
            "PUT",
            path + "/configData",
            $"{{\"time\":\"20261121T111200\",\"status\":{{\"result\":{{\"finished\":\"success\"}},\"execution\":\"closed\"}},\"data\":{{{data}}}}}");
        Assert.Equal(200, answer.Status);
    }

    public Task<JsonElement> ShownAsync() => server.GetAsync($"api/v1/devices/{device}");

    public async Task<string?> StateAsync() => (await ShownAsync()).GetProperty("state").GetString();

    /// <summary>The JSON in an answer, be it chunked.</summary>
    public static JsonElement Parse(RawAnswer answer)
    {
        var (first, last) = (answer.Body.AsSpan().IndexOf((byte)'{'), answer.Body.AsSpan().LastIndexOf((byte)'}'));
        return JsonDocument.Parse(answer.Body.AsMemory(first, last - first + 1)).RootElement;
    }

    private string Authority => server.Anyone.BaseAddress!.Authority;

    private string Local(string address)
    {
        Assert.StartsWith($"http://{Authority}/", address, StringComparison.Ordinal);
        return new Uri(address).PathAndQuery;
    }
}

internal sealed record AnAction(string Id, string Version, string File, string Sha1, long Size, string Download);
