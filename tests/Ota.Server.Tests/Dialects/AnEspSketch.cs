using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dialects;

/// <summary>A sketch with Arduino's updater: it sends what the ESP8266's library sends, byte for byte, and takes what that takes.</summary>
internal sealed class AnEspSketch(RunningServer server, string path, string mac = "24:6F:28:AA:3F:10")
{
    public string Path => path;

    /// <summary>The second argument of <c>ESPhttpUpdate.update</c>; null when the sketch gives none.</summary>
    public string? Version { get; set; } = "1.0.0";

    public string SketchMd5 { get; set; } = "d41d8cd98f00b204e9800998ecf8427e";

    public long FreeSpace { get; set; } = 2_000_000;

    /// <summary>More lines, each with its end, where the library has its authorization.</summary>
    public string More { get; set; } = "";

    /// <summary>Takes a client in; its id, and the sketch that has its address.</summary>
    public static async Task<(string Id, AnEspSketch Sketch)> AdoptAsync(
        RunningServer server, string mac = "24:6F:28:AA:3F:10", string dialect = "esp8266", string? protection = null)
    {
        var view = await server.PostAsync(
            "api/v1/products/kettle/clients", new { hardwareId = mac, dialect, hardware = "virtual", protection });
        return (view.GetProperty("device").GetString()!, new AnEspSketch(server, view.GetProperty("path").GetString()!, mac));
    }

    public string Request(string mode = "sketch") =>
        $"GET {path} HTTP/1.0\r\nHost: {server.Anyone.BaseAddress!.Authority}\r\nUser-Agent: ESP8266-http-Update\r\n{More}Connection: close\r\n"
        + $"x-ESP8266-Chip-ID: 11157264\r\nx-ESP8266-STA-MAC: {mac}\r\nx-ESP8266-AP-MAC: 26:6F:28:AA:3F:10\r\n"
        + $"x-ESP8266-free-space: {FreeSpace}\r\nx-ESP8266-sketch-size: 302000\r\nx-ESP8266-sketch-md5: {SketchMd5}\r\n"
        + $"x-ESP8266-chip-size: 4194304\r\nx-ESP8266-sdk-version: 2.2.2-dev(38a443e)\r\nx-ESP8266-mode: {mode}\r\n"
        + (Version is null ? "" : $"x-ESP8266-version: {Version}\r\n") + "Content-Length: 0\r\n\r\n";

    public Task<RawAnswer> AskAsync(string mode = "sketch") => RawHttp.SendAsync(server, Request(mode));

    /// <summary>Asks and expects to keep what it runs.</summary>
    public async Task HeldAsync()
    {
        var answer = await AskAsync();
        Assert.Equal(304, answer.Status);
        Assert.Empty(answer.Body);
    }

    /// <summary>Asks and expects an image that its updater takes.</summary>
    public async Task<byte[]> FetchAsync()
    {
        var answer = await AskAsync();
        Assert.Equal(200, answer.Status);
        Assert.True(answer.IsWhole);
        Assert.Null(answer.Header("Transfer-Encoding"));
        Assert.Equal(Md5(answer.Body), answer.Header("x-MD5"));
        return answer.Body;
    }

    /// <summary>Fetches what it is handed and runs it.</summary>
    public async Task UpdateAsync(string version)
    {
        var image = await FetchAsync();
        (Version, SketchMd5) = (Version is null ? null : version, Md5(image));
    }

#pragma warning disable CA5351 // It is what the client checks.
    private static string Md5(byte[] image) => Convert.ToHexStringLower(MD5.HashData(image));
#pragma warning restore CA5351

    public static string Basic(string user, string password) =>
        "Authorization: Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")) + "\r\n";

    /// <summary>Its device as staff see it, found by its MAC.</summary>
    public Task<JsonElement> ShownAsync() => server.GetAsync($"api/v1/devices/{mac}");

    public async Task<string?> StateAsync() => (await ShownAsync()).GetProperty("state").GetString();

    public async Task<string[]> TimelineAsync() =>
        [.. (await ShownAsync()).GetProperty("timeline").EnumerateArray().Select(entry => entry.GetProperty("text").GetString()!)];
}
