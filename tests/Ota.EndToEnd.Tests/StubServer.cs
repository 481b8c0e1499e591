using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Ota.EndToEnd.Tests;

/// <summary>Something on a port that is not our server: a proxy, a portal, an attacker. Answers what a test tells it to.</summary>
internal sealed class StubServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StubServer(WebApplication app) => _app = app;

    public string Address => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    /// <summary>Method, path with query, and authorization of each request.</summary>
    public ConcurrentQueue<(string Method, string Path, string? Authorization)> Requests { get; } = [];

    public static async Task<StubServer> StartAsync(RequestDelegate answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0").ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var stub = new StubServer(builder.Build());
        stub._app.Run(context =>
        {
            stub.Requests.Enqueue((
                context.Request.Method, context.Request.Path + context.Request.QueryString, context.Request.Headers.Authorization));
            return answer(context);
        });
        await stub._app.StartAsync();
        return stub;
    }

    public static Task<StubServer> StartAsync(int status, string contentType, string body) => StartAsync(async context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        await context.Response.WriteAsync(body);
    });

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
