using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ota.Server.Tests.Telemetry;

/// <summary>Takes what is sent by OTLP over HTTP, as bytes: names and texts stand in protobuf as they are.</summary>
internal sealed class ACollector : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, StringBuilder> _bySignal = new();
    private readonly WebApplication _app;

    private ACollector(WebApplication app) => _app = app;

    public string Url => _app.Urls.First();

    public static async Task<ACollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var collector = new ACollector(builder.Build());
        collector._app.MapPost("/v1/{signal}", collector.TakeAsync);
        await collector._app.StartAsync();
        return collector;
    }

    /// <param name="signal">metrics, traces or logs.</param>
    public string Said(string signal) => _bySignal.TryGetValue(signal, out var text) ? Locked(text) : "";

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static string Locked(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    private async Task TakeAsync(HttpContext context, string signal)
    {
        using var body = new MemoryStream();
        var sent = context.Request.Headers.ContentEncoding == "gzip" ? new GZipStream(context.Request.Body, CompressionMode.Decompress) : context.Request.Body;
        await sent.CopyToAsync(body);
        var text = _bySignal.GetOrAdd(signal, _ => new StringBuilder());
        lock (text)
            text.Append(Encoding.Latin1.GetString(body.ToArray()));
        context.Response.ContentType = "application/x-protobuf";
    }
}
