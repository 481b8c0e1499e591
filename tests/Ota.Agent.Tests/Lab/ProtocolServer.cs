using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ota.Agent.Tests.Lab;

/// <summary>The protocol on a real Kestrel, so that the agent is tested over the wire.</summary>
internal sealed class ProtocolServer : ProtocolDesk, IAsyncDisposable
{
    private readonly WebApplication _app;

    private ProtocolServer(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    /// <summary>Called first for each request; true when it answered.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    public static async Task<ProtocolServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var server = new ProtocolServer(builder.Build());
        server._app.Run(server.HandleAsync);
        await server._app.StartAsync();
        server.Address = new Uri(server._app.Urls.First());
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context)
    {
        var (request, response) = (context.Request, context.Response);
        Requests.Enqueue($"{request.Method} {request.Path} {request.Headers.Range}");
        response.Headers.Date = DateTimeOffset.FromUnixTimeSeconds(Now).ToString("R", null);
        if (Intercept is { } intercept && await intercept(context))
            return;

        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        var answer = Handle(new Asked(
            request.Method, request.Path.Value!, request.Headers.Authorization, FromOf(request), body.ToArray()));
        response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
            response.Headers[name] = value;
        if (answer.Status == 204)
            return;
        response.ContentLength = answer.Body.Length;
        await response.Body.WriteAsync(answer.Body);
    }

    // The agent only ever asks for "bytes=n-".
    private static int FromOf(HttpRequest request)
    {
        var range = request.Headers.Range.ToString();
        return range.Length == 0 ? 0 : int.Parse(range["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
    }
}
