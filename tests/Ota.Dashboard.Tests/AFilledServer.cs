using Dapper;
using Ota.Server.Alerts;
using Ota.Server.Tests.Dialects;
using Ota.Server.Tests.Running;
using Ota.Signing;

namespace Ota.Dashboard.Tests;

/// <summary>A server with something on every page: updates that went well and some that did not, one under way, a sketch with another updater.</summary>
internal sealed record AFilledServer(string Device, string Client, string Release, long Rollout)
{
    /// <summary>How many devices there are.</summary>
    public const int Devices = 9;

    /// <summary>Every page that is not a form.</summary>
    public (string Name, string Path)[] Pages =>
    [
        ("fleet", ""), ("device", "devices/" + Device), ("client", "devices/" + Client), ("releases", "releases"), ("release", "releases/" + Release),
        ("rollouts", "rollouts"), ("rollout", "rollouts/" + Rollout), ("rollout-new", "rollouts/new"), ("products", "products"),
        ("product", "products/kettle"), ("people", "people"), ("audit", "audit"),
    ];

    public static async Task<AFilledServer> FillAsync(RunningServer server)
    {
        using var fleet = new AVirtualFleet(server, await server.AddProductAsync(poll: "every 10s"), Devices - 1) { BadPercent = 50 };
        await server.UploadedAsync(ABuild.Of("1.0.0"));
        await server.PostAsync("api/v1/deployments", new { product = "kettle", version = "1.0.0", all = true });
        await fleet.AskAsync();
        var (client, sketch) = await AnEspSketch.AdoptAsync(server);
        await sketch.HeldAsync();
        await server.UploadedAsync(ABuild.Of("1.1.0", "another build"));
        await server.UploadedAsync(Recovery());
        var rollout = (await server.PostAsync(
            "api/v1/rollouts", new { product = "kettle", version = "1.1.0", waves = new[] { "50%", "rest" }, deadline = 86400 })).GetProperty("id").GetInt64();
        await fleet.AskAsync();
        server.Time.Ahead += TimeSpan.FromMinutes(3);
        await fleet.AskAsync();
        await server.PostAsync("api/v1/people", new { name = "Grace", role = "support" });
        var release = (await server.GetAsync("api/v1/products/kettle/releases/1.1.0")).GetProperty("id").GetString()!;
        return new AFilledServer(fleet.Devices[0], client, release, rollout);
    }

    /// <summary>A device fails so often that it is a crash loop.</summary>
    public static async Task CrashAsync(RunningServer server, ADevice device)
    {
        device.Cause = "crash";
        for (var i = 0; i < AlertPolicy.Restarts; i++)
        {
            server.Time.Ahead += TimeSpan.FromSeconds(2);
            device.Starts++;
            await device.HeldAsync();
        }
    }

    public static ABuild Recovery()
    {
        var build = ABuild.Of("9.0.0", "recovery");
        return build with { Statement = build.Statement with { Kind = ReleaseStatement.RecoveryKind } };
    }

    /// <summary>Puts so many devices into a database that no server has open.</summary>
    /// <param name="first">Number of the first of them.</param>
    public static void Enroll(RunningServer server, int count, int first = 0)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection("Data Source=" + Path.Combine(server.Data, "ota.db"));
        connection.Open();
        using var transaction = connection.BeginTransaction();
        connection.Execute(
            """
            WITH RECURSIVE n(i) AS (SELECT @first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < @first + @count)
            INSERT INTO devices (id, product, hardware_id, hardware, group_name, generation, enrolled, checked_in, handed_over, running, slot,
                                 security_counter, last_order, order_number, instruction, state, last_seen, next_check_in, restart_cause, restart_at,
                                 restarts, uptime, rssi, free_memory)
            SELECT printf('unit%08d', i), 'kettle', printf('02:00:%02d:%02d:%02d:%02d', i / 1000000 % 100, i / 10000 % 100, i / 100 % 100, i % 100),
                   'virtual', 'group' || (i % 20), 1, @now, 1, 0, '1.' || (i % 7) || '.0', 'confirmed', 0, 0, 0, 0, 'confirmed', @now, @now + 86400000,
                   'update', 0, 1, 1, -60 - (i % 20), 1000
            FROM n
            """,
            new { count, first, now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() }, transaction);
        transaction.Commit();
    }
}
