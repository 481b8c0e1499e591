using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ota.Server.Tests.Running;

/// <summary>One request that a receiver got.</summary>
internal sealed record Delivery(string Path, string Id, string Timestamp, string Signature, string Body)
{
    public JsonElement Json => JsonDocument.Parse(Body).RootElement;

    public string Type => Json.GetProperty("type").GetString()!;

    public JsonElement Data => Json.GetProperty("data");

    /// <summary>Checks it as the convention is written down, with nothing of ours.</summary>
    public void SignedWith(string secret)
    {
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        using var hmac = new HMACSHA256(Convert.FromBase64String(secret["whsec_".Length..]));
        var expected = hmac.ComputeHash(Encoding.UTF8.GetBytes(Id + "." + Timestamp + "." + Body));
        var signatures = Signature.Split(' ').Where(signature => signature.StartsWith("v1,", StringComparison.Ordinal)).ToArray();
        Assert.Contains(signatures, signature => Convert.FromBase64String(signature[3..]).AsSpan().SequenceEqual(expected));
        Assert.Equal(Id, Json.GetProperty("id").GetString());
    }
}

/// <summary>Somebody's server that is told of events: real Kestrel on loopback, which a test lets answer what it likes.</summary>
internal sealed class AReceiver : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private readonly Channel<Delivery> _deliveries = Channel.CreateUnbounded<Delivery>();
    private readonly int _port;
    private WebApplication? _app;

    private AReceiver(int port) => _port = port;

    public string Url => $"http://127.0.0.1:{_port}/hook";

    /// <summary>Everything it got, in order.</summary>
    public ConcurrentQueue<Delivery> All { get; } = [];

    /// <summary>What it answers; 204 unless told otherwise.</summary>
    public Func<HttpContext, Delivery, Task> Answer { get; set; } = (context, _) => StatusAsync(context, 204);

    public static async Task<AReceiver> StartAsync()
    {
        using var free = new TcpListener(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port;
        free.Stop();
        var receiver = new AReceiver(port);
        await receiver.UpAsync();
        return receiver;
    }

    public static Task StatusAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    public async Task UpAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{_port}");
        _app = builder.Build();
        _app.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var headers = context.Request.Headers;
            var delivery = new Delivery(
                context.Request.Path + context.Request.QueryString,
                headers["webhook-id"].ToString(),
                headers["webhook-timestamp"].ToString(),
                headers["webhook-signature"].ToString(),
                await reader.ReadToEndAsync());
            All.Enqueue(delivery);
            await _deliveries.Writer.WriteAsync(delivery);
            await Answer(context, delivery);
        });
        await _app.StartAsync();
    }

    public async Task DownAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>The next delivery, which must come soon.</summary>
    public async Task<Delivery> NextAsync()
    {
        using var deadline = new CancellationTokenSource(Patience);
        return await _deliveries.Reader.ReadAsync(deadline.Token);
    }

    public async ValueTask DisposeAsync() => await DownAsync();
}
