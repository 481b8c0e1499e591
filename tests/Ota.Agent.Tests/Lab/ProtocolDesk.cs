using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

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

    /// <summary>Number of the order it was offered with last; 0 before the first.</summary>
    public long Number { get; set; }

    public bool Over { get; set; }

    public string? Hash => Build?.Hash ?? (Keys is null ? null : Signing.Jws.HashOf(Keys));
}

/// <summary>One report as it arrived first.</summary>
internal sealed record Told(string Device, long Sequence, string Deployment, string State, string? Detail);

/// <summary>One call of a device, whatever carried it.</summary>
/// <param name="From">First byte of the range asked for, 0 for none.</param>
internal sealed record Asked(string Method, string Path, string? Authorization, int From, byte[] Body);

/// <summary>The answer to a call; its headers beside <c>Content-Length</c>.</summary>
internal sealed record Answered(int Status, byte[] Body)
{
    public Dictionary<string, string> Headers { get; } = new(StringComparer.OrdinalIgnoreCase);

    public static Answered Bare(int status) => new(status, []);

    public static Answered Json(int status, object content) =>
        new(status, JsonSerializer.SerializeToUtf8Bytes(content))
        {
            Headers = { ["Content-Type"] = "application/json" },
        };
}

/// <summary>
/// The server's side of docs/protocol.md, over no transport of its own. Its clock stands still shortly after the golden
/// orders were issued.
/// </summary>
internal class ProtocolDesk
{
    private readonly ConcurrentDictionary<(string, long), Told> _told = new();
    private readonly ConcurrentQueue<Told> _inOrder = new();
    private readonly ConcurrentDictionary<string, List<Deployment>> _deployments = new();
    private readonly ConcurrentDictionary<string, byte[]> _images = new();
    private int _nextDeployment = 50;
    private long _lastNumber;

    /// <summary>Unix seconds sent as Date.</summary>
    public long Now { get; set; } = OrderDraft.Issued + 60;

    public int? RetryAfter { get; set; } = 3600;

    /// <summary>
    /// True for a server that answers a trial's check-in with the order again, which the protocol allows.
    /// </summary>
    public bool OffersOnTrial { get; set; }

    /// <summary>What every check-in is answered with instead of what the deployments say.</summary>
    public Dictionary<string, string>? Answer { get; set; }

    /// <summary>What each device of the fleet is to run.</summary>
    public Build? Rollout { get; set; }

    public ConcurrentQueue<JsonElement> CheckIns { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>All there are, in the order they were made.</summary>
    public IReadOnlyList<Deployment> Deployments =>
        [.. _deployments.Values.SelectMany(all => all).OrderBy(d => int.Parse(d.Id, null))];

    /// <summary>Reports in the order they arrived, each once.</summary>
    public IReadOnlyList<Told> Reports => [.. _inOrder];

    public static string Sha256Of(byte[] image) => Convert.ToHexStringLower(SHA256.HashData(image));

    public static Dictionary<string, string> AnswerWith(string order, string? statement, byte[]? image)
    {
        var answer = new Dictionary<string, string> { ["order"] = order };
        if (statement is not null)
            answer["release"] = statement;
        if (image is not null)
            answer["image"] = "/images/" + Sha256Of(image);
        return answer;
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

    public Answered Handle(Asked asked)
    {
        if (asked.Path.StartsWith("/images/", StringComparison.Ordinal))
            return Image(asked.Path["/images/".Length..], asked.From);
        if (!asked.Path.StartsWith("/agent/v1/", StringComparison.Ordinal))
            return Answered.Bare(404);

        using var body = JsonDocument.Parse(asked.Body);
        if (asked.Path == "/agent/v1/enroll")
            return Enroll(body.RootElement);

        var device = asked.Authorization?["Bearer ".Length..].Split('.')[0];
        if (device is null || asked.Authorization != $"Bearer {device}.{Base64Url.Encode(Secret("token", device))}")
            return Answered.Bare(401);
        if (asked.Path != "/agent/v1/reports")
            return CheckIn(device, body.RootElement.Clone());
        foreach (var report in body.RootElement.EnumerateArray())
            Keep(device, report);
        return Answered.Bare(204);
    }

    private static byte[] Secret(string use, string device) =>
        HMACSHA256.HashData(
            Convert.FromHexString(Vectors.Secret("master")), Encoding.UTF8.GetBytes($"{use}\0{device}\01"));

    private static string DeviceOf(string hardwareId) => hardwareId == Bench.HardwareId
        ? Vectors.Identity.Device
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(hardwareId)))[..12];

    private Answered Enroll(JsonElement asked)
    {
        if (asked.GetProperty("enrollmentKey").GetString() != Vectors.Secret("enrollmentKey"))
            return Answered.Bare(403);
        var device = DeviceOf(asked.GetProperty("hardwareId").GetString()!);

        // Who was told to wipe and now asks for an identity has wiped: the power may have gone before it could say so.
        foreach (var wipe in OpenOf(device).Where(d => d is { Action: "decommission", Number: > 0 }))
            wipe.Over = true;
        return Answered.Json(201, new
        {
            device,
            token = Base64Url.Encode(Secret("token", device)),
            orderKey = Base64Url.Encode(Secret("order", device)),
            pins = new { },
        });
    }

    private void Keep(string device, JsonElement report)
    {
        var told = new Told(
            device,
            report.GetProperty("seq").GetInt64(),
            report.GetProperty("deployment").GetString()!,
            report.GetProperty("state").GetString()!,
            report.TryGetProperty("detail", out var detail) ? detail.GetString() : null);
        if (!_told.TryAdd((device, told.Sequence), told))
            return;
        _inOrder.Enqueue(told);
        foreach (var deployment in OpenOf(device).Where(d => d.Id == told.Deployment))
        {
            deployment.Over = told.State is "reverted" or "refused" or "failed"
                || (told.State == "confirmed" && deployment.Action != "install")
                || (told.State == "accepted" && deployment.Action == "decommission");
        }
    }

    private Answered CheckIn(string device, JsonElement checkIn)
    {
        CheckIns.Enqueue(checkIn);
        var offer = Answer ?? Offer(device, checkIn);
        var answer = offer is null ? Answered.Bare(204) : Answered.Json(200, offer);
        if (RetryAfter is { } seconds)
            answer.Headers["Retry-After"] = seconds.ToString(null, null);
        return answer;
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

    private List<Deployment> OpenOf(string device) =>
        _deployments.TryGetValue(device, out var all) ? [.. all.Where(d => !d.Over)] : [];

    private Answered Image(string sha256, int from)
    {
        if (!_images.TryGetValue(sha256, out var image))
            return Answered.Bare(404);
        if (from >= image.Length)
            return Answered.Bare(416);
        if (from == 0)
            return new Answered(200, image);
        return new Answered(206, image[from..])
        {
            Headers = { ["Content-Range"] = $"bytes {from}-{image.Length - 1}/{image.Length}" },
        };
    }
}
