using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Webhooks;

/// <summary>A server, one device of it, and somebody's real server on loopback that is told.</summary>
public abstract class WithAReceiver : IAsyncLifetime
{
    private protected const string Path = "api/v1/products/kettle/webhooks";

    private protected RunningServer Server { get; private set; } = null!;

    private protected AReceiver Receiver { get; private set; } = null!;

    private protected ADevice Device { get; private set; } = null!;

    private protected string EnrollmentKey { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        Server = await RunningServer.StartAsync();
        Receiver = await AReceiver.StartAsync();
        EnrollmentKey = await Server.AddProductAsync(poll: "every 15m");
        Device = await ADevice.EnrollAsync(Server, EnrollmentKey);
        await Server.UploadedAsync(ABuild.Of("1.0.0"));
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Receiver.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private protected async Task<JsonElement[]> AuditedAsync() => [.. (await Server.GetAsync("api/v1/audit")).EnumerateArray()];

    private protected Task<JsonElement> AddAsync(AReceiver receiver, params string[] events) =>
        Server.PostAsync(Path, new { url = receiver.Url, events });

    private protected Task<JsonElement> PingAsync(JsonElement webhook) => Server.PostAsync($"{Path}/{Text(webhook, "id")}/test", new { });

    private protected long Count(string sql) =>
        Server.App.Services.GetRequiredService<Database>().Read(connection => connection.ExecuteScalar<long>(sql));

    private protected long Waiting() => Count("SELECT count(*) FROM webhook_outbox");

    private protected Task EmptyAsync() => UntilAsync(() => Task.FromResult(Waiting() == 0));

    /// <summary>Looks again and again until it is so, which must be soon.</summary>
    private protected static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await holds())
            await Task.Delay(50, deadline.Token);
    }

    private protected Task<JsonElement> OrderAsync(ADevice? device = null) => Server.PostAsync(
        "api/v1/deployments", new { product = "kettle", version = "1.0.0", device = (device ?? Device).Id });

    /// <summary>Confirms 1.0.0 on a device; the deployment's id.</summary>
    private protected async Task<long> ConfirmAsync(ADevice? device = null)
    {
        var ordered = await OrderAsync(device);
        await (device ?? Device).InstallAsync("1.0.0");
        return ordered.GetProperty("deployment").GetInt64();
    }
}
