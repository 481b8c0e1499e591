using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Staff;

/// <summary>Nobody locks everyone out, and who owns the data folder can always come back.</summary>
public sealed class LastAdminTests
{
    [Fact]
    public async Task The_last_admin_key_cannot_be_revoked_and_goes_on_working()
    {
        await using var server = await RunningServer.StartAsync();
        using var refused = await RevokeAsync(server.Admin, IdOf(server.AdminKey));

        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        Assert.Contains("last admin key", await DetailAsync(refused), StringComparison.Ordinal);
        Assert.Single((await server.GetAsync("api/v1/staff")).EnumerateArray());

        using var second = await server.AsAsync("admin");
        using var revoked = await RevokeAsync(second, IdOf(server.AdminKey));
        Assert.Equal(HttpStatusCode.OK, revoked.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await server.Admin.GetAsync("api/v1/whoami")).StatusCode);
    }

    [Fact]
    public async Task Of_admins_who_all_revoke_one_another_at_once_one_stays()
    {
        await using var server = await RunningServer.StartAsync();
        var keys = new List<string> { server.AdminKey };
        for (var i = 0; i < 7; i++)
            keys.Add((await server.PostAsync("api/v1/staff", new { name = $"admin {i}", role = "admin" })).GetProperty("key").GetString()!);

        await Task.WhenAll(keys.Select(async (_, i) =>
        {
            using var client = server.With(keys[i]);
            using var answer = await RevokeAsync(client, IdOf(keys[(i + 1) % keys.Count]));
        }));
        await server.RestartAsync();

        var working = 0;
        foreach (var key in keys)
        {
            using var client = server.With(key);
            working += (await client.GetAsync("api/v1/staff")).IsSuccessStatusCode ? 1 : 0;
        }

        Assert.True(working >= 1);
    }

    [Fact]
    public async Task Who_owns_the_data_folder_makes_a_new_admin_key_that_only_its_owner_can_read()
    {
        var folder = Directory.CreateTempSubdirectory("ota-admin-").FullName;
        string lost;
        await using (var before = await RunningServer.StartAsync(folder))
        {
            lost = before.AdminKey;
            File.Delete(Path.Combine(before.Data, "admin.key"));
        }

        await using (var renewing = await RunningServer.StartAsync(folder, "--new-admin-key"))
            Assert.NotEqual(lost, renewing.AdminKey);

        await using (var server = await RunningServer.StartAsync(folder))
        {
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(
                    UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(server.Data, "admin.key")));
            }

            var last = (await server.GetAsync("api/v1/audit")).EnumerateArray().Last();
            Assert.Equal("staff.add", last.GetProperty("action").GetString());
            Assert.Equal("--new-admin-key", last.GetProperty("who").GetString());
            Assert.Equal(2, (await server.GetAsync("api/v1/staff")).GetArrayLength());
        }

        Directory.Delete(folder, recursive: true);
    }

    private static Task<HttpResponseMessage> RevokeAsync(HttpClient client, string id) =>
        client.PostAsJsonAsync($"api/v1/staff/{id}/revoke", new { });

    private static string IdOf(string key) => key.Split('_')[1];

    private static async Task<string> DetailAsync(HttpResponseMessage answer) =>
        (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString()!;
}
