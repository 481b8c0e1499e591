using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Data;
using Ota.Server.Rollouts;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Rollouts;

/// <summary>Everything that people, devices and the clock may do, in any order.</summary>
public class RolloutStormTests
{
    private const string MostOpenSql =
        "SELECT COALESCE(max(open), 0) FROM (SELECT count(*) AS open FROM deployments WHERE ended IS NULL GROUP BY device) AS counted";

    // More devices than the first wave by numbers has places, while it was open.
    private const string TooManySql =
        """
        SELECT d.rollout, count(DISTINCT d.device) FROM deployments d JOIN rollouts r ON r.id = d.rollout
        WHERE d.wave = 1 AND d.purpose <> 'return' AND r.plan LIKE '%"waves":["1","3","rest"]%' GROUP BY d.rollout HAVING count(DISTINCT d.device) > 1
        """;

    // What was begun before its wave: the number of the device lies above the share of the wave that was open.
    private const string BegunSql = "SELECT rollout, device, wave FROM deployments WHERE rollout IS NOT NULL AND purpose <> 'return'";

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public virtual async Task A_device_has_one_open_deployment_at_most_and_none_before_its_wave(int seed)
    {
        await using var server = await RunningServer.StartAsync();
        var fleet = await AFleet.RunningAsync(server, 6);
        var (random, rollouts, calls) = (new Random(seed), new List<long>(), 0);
        string[] versions = ["1.0.0", "1.1.0", "1.2.0"];
        for (var step = 0; step < 250; step++)
        {
            var device = fleet.Devices[random.Next(fleet.Devices.Length)];
            switch (random.Next(12))
            {
                case 0:
                    rollouts.Add(await fleet.StartAsync(
                        new
                        {
                            waves = random.Next(2) == 0 ? new[] { "20%", "60%", "100%" } : ["1", "3", "rest"],
                            advance = "confirmed >= 50%",
                            stop = random.Next(2) == 0 ? "failed+reverted > 50%" : null,
                            onStop = random.Next(2) == 0 ? "return" : "pause",
                        },
                        versions[random.Next(3)]));
                    break;
                case 1 when rollouts.Count > 0:
                    var deed = ((string[])["pause", "resume", "advance", "return", "abort"])[random.Next(5)];
                    using (var done = await server.Admin.PostAsJsonAsync($"api/v1/rollouts/{rollouts[random.Next(rollouts.Count)]}/{deed}", new { }))
                        Assert.True(done.StatusCode is HttpStatusCode.OK or HttpStatusCode.Conflict, $"{step}: {deed} {done.StatusCode}");
                    break;
                case 2:
                    using (var ordered = await server.Admin.PostAsJsonAsync(
                        "api/v1/deployments", new { product = "kettle", version = versions[random.Next(3)], device = device.Id }))
                        Assert.True(ordered.StatusCode is HttpStatusCode.Created or HttpStatusCode.Conflict, $"{step}: {ordered.StatusCode}");
                    break;
                case 3 or 4:
                    await fleet.PassAsync(TimeSpan.FromMinutes(random.Next(60)));
                    break;
                case 5 when random.Next(4) == 0:
                    using (var stepped = await server.Admin.PutAsJsonAsync(
                        "api/v1/products/kettle/releases/1.1.0/step", new { required = random.Next(2) == 0 }))
                        Assert.True(stepped.IsSuccessStatusCode);
                    break;
                default:
                    calls += await AskAsync(device, random);
                    break;
            }

            Assert.True(Read(server, connection => connection.ExecuteScalar<long>(MostOpenSql)) <= 1, $"seed {seed}, step {step}");
            Assert.Empty(Read(server, connection => connection.Query<(long, long)>(TooManySql).AsList()));
        }

        Assert.True(calls > 10, $"{calls} orders were taken");
        foreach (var (rollout, id, wave) in Read(server, connection => connection.Query<(long, string, long)>(BegunSql).AsList()))
        {
            var waves = Waves.Parse(
                [.. (await fleet.ShownAsync(rollout)).GetProperty("waves").EnumerateArray().Select(one => one.GetProperty("upTo").GetString())], out _)!;
            Assert.True(waves.MostIn((int)wave) is not null || waves.Admits((int)wave, Waves.ShareOf(rollout, id), 0), $"{id} in wave {wave} of {rollout}");
        }
    }

    // One more call of a device, which does with an order what a device may.
    private static async Task<int> AskAsync(ADevice device, Random random)
    {
        using var answer = await device.CheckInAsync();
        if (answer.StatusCode == HttpStatusCode.NoContent)
            return 0;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var jws = (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("order").GetString()!.Split('.')[1];
        var order = JsonDocument.Parse(System.Buffers.Text.Base64Url.DecodeFromChars(jws)).RootElement;
        device.LastOrder = order.GetProperty("number").GetInt64();
        var state = ((string?[])[null, null, "downloaded", "failed", "reverted", "refused"])[random.Next(6)];
        if (state is null)
        {
            device.Release = order.GetProperty("release").GetString();
            device.Starts++;
            return 1;
        }

        using var reported = await device.ReportAsync(
            new { seq = device.LastOrder * 10, at = 0, deployment = order.GetProperty("deployment").GetString(), state });
        Assert.True(reported.IsSuccessStatusCode);
        return 1;
    }

    private static T Read<T>(RunningServer server, Func<System.Data.Common.DbConnection, T> read) =>
        server.App.Services.GetRequiredService<Database>().Read(read);
}
