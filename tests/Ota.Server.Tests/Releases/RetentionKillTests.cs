using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Releases;

/// <summary>The server is killed after each statement of a retention pass; after the commit that is between the mark and the removal.</summary>
public sealed class RetentionKillTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Killed_at_any_statement_an_image_is_there_and_listed_so_or_gone_and_listed_so_and_audited_once()
    {
        await using var host = await KillHost.StartAsync();
        await PostAsync(host, "api/v1/products", JsonContent.Create(new
        {
            name = "kettle", hardware = new[] { "virtual" }, releaseKeys = new[] { Vectors.Text("TEST-ONLY-release-key.pub.pem") },
        }));
        using (var set = await host.Staff.PutAsJsonAsync("api/v1/products/kettle/retention", new { retention = new { keep = 1, days = 1 } }))
            Assert.True(set.IsSuccessStatusCode);
        await PostAsync(host, "api/v1/products/kettle/releases", ABuild.Of("0.0.0", "the first").Form());

        var (statement, finished) = (1, 0);
        for (var isOver = false; !isOver; statement++)
        {
            // The one before is no longer the newest; what a kill left of it is removed by the next pass.
            await PostAsync(host, "api/v1/products/kettle/releases", ABuild.Of($"0.0.{statement}", $"build {statement}").Form());
            await host.KillAtAsync(statement);
            isOver = await host.RetainAsync(days: 20 * statement);
            var left = Directory.GetFiles(host.Images, "*", SearchOption.AllDirectories).Length;
            await host.SpareAsync();

            var releases = await host.Staff.GetFromJsonAsync<JsonElement>("api/v1/products/kettle/releases");
            foreach (var release in releases.EnumerateArray())
            {
                var sha256 = release.GetProperty("image").GetProperty("sha256").GetString()!;
                var isListed = release.GetProperty("image").GetProperty("deleted").ValueKind == JsonValueKind.Null;
                Assert.Equal(File.Exists(Path.Combine(host.Images, sha256[..2], sha256)), isListed);
                var audited = (await host.Staff.GetFromJsonAsync<JsonElement>("api/v1/audit")).EnumerateArray().Count(entry =>
                    entry.GetProperty("action").GetString() == "release.delete-image" && entry.GetProperty("detail").GetString()!.Contains(sha256, StringComparison.Ordinal));
                Assert.Equal(isListed ? 0 : 1, audited);
            }

            finished += left - Directory.GetFiles(host.Images, "*", SearchOption.AllDirectories).Length;
        }

        var said = $"kills: {host.Kills}, at statements 1 to {statement - 2} of a retention pass, {finished} removals finished at the next start";
        output.WriteLine(said);
        Console.WriteLine(said);
        Assert.InRange(host.Kills, 5, 100);
        Assert.InRange(finished, 1, 10);
    }

    private static async Task PostAsync(KillHost host, string path, HttpContent content)
    {
        using var answer = await host.Staff.PostAsync(path, content);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
