using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Ota.Agent.Tests.Lab;

/// <summary>One deployment, as the server of these tests keeps it.</summary>
internal sealed class Deployment
{
    public required string Id { get; init; }

    public required string Device { get; init; }

    public required string Action { get; init; }

    public Build? Build { get; init; }

    /// <summary>The key statement of a rotation.</summary>
    public string? Keys { get; init; }

    public long Number { get; set; }

    public bool Over { get; set; }

    public string? Hash => Build?.Hash ?? (Keys is null ? null : Signing.Jws.HashOf(Keys));
}

/// <summary>One report as it arrived first.</summary>
internal sealed record Told(string Device, long Sequence, string Deployment, string State, string? Detail);

/// <summary>
/// A small server that speaks docs/protocol.md on a real Kestrel, so that the agent is tested over the wire. Its clock
/// stands still shortly after the golden orders were issued.
/// </summary>
internal sealed class ProtocolServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<(string, long), Told> _told = new();
    private readonly ConcurrentQueue<Told> _inOrder = new();
    private readonly ConcurrentDictionary<string, List<Deployment>> _deployments = new();
    private readonly ConcurrentDictionary<string, byte[]> _images = new();
    private int _nextDeployment = 50;
    private long _lastNumber;

    private ProtocolServer(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    /// <summary>Unix seconds sent as Date.</summary>
    public long Now { get; set; } = OrderDraft.Issued + 60;

    public int? RetryAfter { get; set; } = 3600;

    /// <summary>
    /// True for a server that answers a trial's check-in with the order again, which the protocol allows.
    /// </summary>
    public bool OffersOnTrial { get; set; }

    /// <summary>Called first for each request; true when it answered.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    /// <summary>What every check-in is answered with instead of what the deployments say.</summary>
    public Dictionary<string, string>? Answer { get; set; }

    /// <summary>What each device of the fleet is to run.</summary>
    public Build? Rollout { get; set; }

    public ConcurrentQueue<JsonElement> CheckIns { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>Reports in the order they arrived, each once.</summary>
    public IReadOnlyList<Told> Reports => [.. _inOrder];

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

    public Deployment Deploy(string action, Build? build, string? device = null, string? keys = null)
    {
        var deployment = new Deployment
        {
            Id = Interlocked.Increment(ref _nextDeployment).ToString(null, null),
            Device = device ?? Vectors.Identity.Device,
            Action = action,
            Build = build,
            Keys = keys,
        };
        Publish(build);
        _deployments.GetOrAdd(deployment.Device, _ => []).Add(deployment);
        return deployment;
    }

    public void Publish(Build? build)
    {
        if (build is not null)
            _images[Sha256Of(build.Image)] = build.Image;
    }

    public static string Sha256Of(byte[] image) => Convert.ToHexStringLower(SHA256.HashData(image));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static byte[] Secret(string use, string device) =>
        HMACSHA256.HashData(
            Convert.FromHexString(Vectors.Secret("master")), Encoding.UTF8.GetBytes($"{use}\0{device}\01"));

    private static string DeviceOf(string hardwareId) => hardwareId == Bench.HardwareId
        ? Vectors.Identity.Device
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(hardwareId)))[..12];

    private async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        Requests.Enqueue($"{request.Method} {request.Path} {request.Headers.Range}");
        context.Response.Headers.Date = DateTimeOffset.FromUnixTimeSeconds(Now).ToString("R", null);
        if (Intercept is { } intercept && await intercept(context))
            return;
        var path = request.Path.Value!;
        if (path.StartsWith("/images/", StringComparison.Ordinal))
        {
            await SendImageAsync(context, path["/images/".Length..]);
            return;
        }

        using var body = await JsonDocument.ParseAsync(request.Body);
        if (path == "/agent/v1/enroll")
        {
            await EnrollAsync(context, body.RootElement);
            return;
        }

        var device = ((string?)request.Headers.Authorization)?["Bearer ".Length..].Split('.')[0];
        if (device is null
            || request.Headers.Authorization != $"Bearer {device}.{Base64Url.Encode(Secret("token", device))}")
        {
            context.Response.StatusCode = 401;
            return;
        }

        if (path == "/agent/v1/reports")
            Keep(context, device, body.RootElement);
        else
            await CheckInAsync(context, device, body.RootElement.Clone());
    }

    private static async Task EnrollAsync(HttpContext context, JsonElement asked)
    {
        if (asked.GetProperty("enrollmentKey").GetString() != Vectors.Secret("enrollmentKey"))
        {
            context.Response.StatusCode = 403;
            return;
        }

        var device = DeviceOf(asked.GetProperty("hardwareId").GetString()!);
        context.Response.StatusCode = 201;
        await context.Response.WriteAsJsonAsync(new
        {
            device,
            token = Base64Url.Encode(Secret("token", device)),
            orderKey = Base64Url.Encode(Secret("order", device)),
            pins = new { },
        });
    }

    private void Keep(HttpContext context, string device, JsonElement reports)
    {
        foreach (var report in reports.EnumerateArray())
        {
            var told = new Told(
                device,
                report.GetProperty("seq").GetInt64(),
                report.GetProperty("deployment").GetString()!,
                report.GetProperty("state").GetString()!,
                report.TryGetProperty("detail", out var detail) ? detail.GetString() : null);
            if (!_told.TryAdd((device, told.Sequence), told))
                continue;
            _inOrder.Enqueue(told);
            foreach (var deployment in OpenOf(device).Where(d => d.Id == told.Deployment))
            {
                deployment.Over = told.State is "reverted" or "refused" or "failed"
                    || (told.State == "confirmed" && deployment.Action != "install")
                    || (told.State == "accepted" && deployment.Action == "decommission");
            }
        }

        context.Response.StatusCode = 204;
    }

    private async Task CheckInAsync(HttpContext context, string device, JsonElement checkIn)
    {
        CheckIns.Enqueue(checkIn);
        if (RetryAfter is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(null, null);
        var answer = Answer ?? Offer(device, checkIn);
        if (answer is null)
        {
            context.Response.StatusCode = 204;
            return;
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(answer));
    }

    private Dictionary<string, string>? Offer(string device, JsonElement checkIn)
    {
        if (Rollout is { } rollout && !_deployments.GetOrAdd(device, _ => []).Exists(d => d.Build == rollout))
            Deploy("install", rollout, device);
        foreach (var deployment in OpenOf(device))
        {
            var running = checkIn.TryGetProperty("release", out var release) ? release.GetString() : null;
            var slot = checkIn.GetProperty("slot").GetString();
            if (deployment.Action == "install" && running == deployment.Hash && slot == "confirmed")
            {
                deployment.Over = true;
                continue;
            }

            // A trial is waited for. Otherwise the same order while it is news to the device, else a fresh number.
            if (running == deployment.Hash && slot == "trial" && !OffersOnTrial)
                return null;
            var last = checkIn.GetProperty("lastOrder").GetInt64();
            if (deployment.Number <= last)
                deployment.Number = _lastNumber = Math.Max(_lastNumber, last) + 1;
            var order = new OrderDraft(deployment.Action, deployment.Number, deployment.Hash)
            {
                Device = device,
                Deployment = deployment.Id,
            };
            return AnswerWith(
                order.Sign(Secret("order", device)),
                deployment.Build?.Statement ?? deployment.Keys,
                deployment.Build?.Image);
        }

        return null;
    }

    public static Dictionary<string, string> AnswerWith(string order, string? statement, byte[]? image)
    {
        var answer = new Dictionary<string, string> { ["order"] = order };
        if (statement is not null)
            answer["release"] = statement;
        if (image is not null)
            answer["image"] = "/images/" + Sha256Of(image);
        return answer;
    }

    private List<Deployment> OpenOf(string device) =>
        _deployments.TryGetValue(device, out var all) ? [.. all.Where(d => !d.Over)] : [];

    private async Task SendImageAsync(HttpContext context, string sha256)
    {
        if (!_images.TryGetValue(sha256, out var image))
        {
            context.Response.StatusCode = 404;
            return;
        }

        await Results.Bytes(image, "application/octet-stream", enableRangeProcessing: true).ExecuteAsync(context);
    }
}
