using System.Text.Json;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>The commands against a real server, as developer, support and admin use them.</summary>
public sealed class CommandsTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        await DoneAsync("keys", "new", "--out", "acme.pem");
        await DoneAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem");
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("OTA-VIRTUAL-NEVER-CHECKS-IN", "confirm-deadline")]
    [InlineData("OTA-VIRTUAL-CRASHES", "trial-attempts")]
    public async Task An_image_that_does_not_prove_itself_is_reverted_and_shown_with_its_reason(string image, string reason)
    {
        await PushAsync("1.0.0", "good");
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");
        await DoneAsync("simulate", "kettle", "--count", "1", "--once");
        await PushAsync("1.1.0", image);
        await DoneAsync("deploy", "kettle", "1.1.0", "--all");
        var simulated = (await DoneAsync("simulate", "kettle", "--count", "1", "--once", "--json")).Json[0];

        Assert.Equal("1.0.0", simulated.GetProperty("running").GetString());
        var device = (await DoneAsync("device", "list", "--json")).Json[0];
        Assert.Equal("reverted", device.GetProperty("state").GetString());
        Assert.Equal("1.0.0", device.GetProperty("running").GetString());
        var shown = (await DoneAsync("device", "show", device.GetProperty("id").GetString()!, "--json")).Json;
        var deployment = shown.GetProperty("deployments")[0];
        Assert.Equal("reverted", deployment.GetProperty("state").GetString());
        Assert.Equal(reason, deployment.GetProperty("detail").GetString());
        // Delivered it was; confirmed it never was.
        Assert.DoesNotContain(shown.GetProperty("timeline").EnumerateArray(), entry =>
            entry.GetProperty("text").GetString() == "Runs 1.1.0");
    }

    [Theory]
    [InlineData("--once")]
    [InlineData]
    public async Task Virtual_devices_of_another_servers_data_are_told_from_a_server_that_has_them_wait(params string[] once)
    {
        string[] simulate = ["simulate", "kettle", "--count", "2", "--state", "flash"];
        var first = await DoneAsync([.. simulate, "--once"]);
        Assert.Contains("Asking next in ", first.Out, StringComparison.Ordinal);
        await using var fresh = await OtaServer.NewAsync(_folder["fresh"]);
        (_ota["OTA_SERVER"], _ota["OTA_KEY"]) = (fresh.Address.ToString(), fresh.AdminKey);
        await DoneAsync("product", "add", "kettle", "--hardware", "virtual", "--release-key", "acme.pub.pem");

        await RefusedAsync("belong to another server's data", [.. simulate, .. once]);

        await DoneAsync("simulate", "kettle", "--count", "2", "--state", "other", "--once");
    }

    [Fact]
    public async Task Virtual_devices_stay_the_hardware_they_were_made_as()
    {
        await DoneAsync("product", "add", "pan", "--hardware", "virtual", "--hardware", "esp32", "--release-key", "acme.pub.pem");
        await DoneAsync("simulate", "pan", "--once", "--hardware", "esp32");

        var contradicted = await _ota.RunAsync("simulate", "pan", "--once");

        Assert.Equal(2, contradicted.ExitCode);
        Assert.Contains("are made as esp32, not as virtual: give --hardware esp32", contradicted.Error, StringComparison.Ordinal);
        await DoneAsync("simulate", "pan", "--once", "--hardware", "esp32");
    }

    [Fact]
    public async Task A_device_reports_the_bytes_that_it_truly_started()
    {
        var pushed = await PushAsync("1.0.0", "these very bytes");
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");

        var device = (await DoneAsync("simulate", "kettle", "--count", "1", "--once", "--json")).Json[0];

        Assert.Equal(pushed.GetProperty("image").GetProperty("sha256").GetString(), device.GetProperty("imageSha256").GetString());
    }

    [Fact]
    public async Task A_product_keeps_as_many_images_as_it_is_told_and_all_when_told_so()
    {
        await PushAsync("1.0.0", "good");
        var set = (await DoneAsync("product", "retention", "kettle", "--keep", "5", "--json")).Json.GetProperty("retention");
        Assert.Equal((5, 30), (set.GetProperty("keep").GetInt32(), set.GetProperty("days").GetInt32()));
        Assert.Contains("the newest 5 stay", (await DoneAsync("product", "show", "kettle")).Out, StringComparison.Ordinal);
        Assert.Equal(2, (await _ota.RunAsync("product", "retention", "kettle")).ExitCode);
        Assert.Equal(2, (await _ota.RunAsync("product", "retention", "kettle", "--keep", "5", "--off")).ExitCode);
        await RefusedAsync("1 to 1000", "product", "retention", "kettle", "--keep", "0");

        var off = (await DoneAsync("product", "retention", "kettle", "--off", "--json")).Json;

        Assert.Equal(JsonValueKind.Null, off.GetProperty("retention").ValueKind);
        var image = (await DoneAsync("release", "show", "kettle", "1.0.0", "--json")).Json.GetProperty("image");
        Assert.Equal(JsonValueKind.Null, image.GetProperty("deleted").ValueKind);
    }

    [Fact]
    public async Task A_withdrawn_release_is_offered_to_nobody()
    {
        await PushAsync("1.0.0", "good");
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");
        await DoneAsync("release", "withdraw", "kettle", "1.0.0", "--reason", "it burns");

        var device = (await DoneAsync("simulate", "kettle", "--count", "1", "--once", "--json")).Json[0];

        Assert.Equal("0.0.0", device.GetProperty("running").GetString());
        await RefusedAsync("it burns", "deploy", "kettle", "1.0.0", "--all");
    }

    [Fact]
    public async Task Devices_follow_a_rotation_to_a_new_release_key_and_the_old_one_is_refused()
    {
        await PushAsync("1.0.0", "good");
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");
        await DoneAsync("simulate", "kettle", "--count", "2", "--once");
        await DoneAsync("keys", "new", "--out", "next.pem");
        var rotated = await DoneAsync("keys", "rotate", "kettle", "--key", "acme.pem", "--new", "next.pub.pem", "--counter", "1");
        Assert.Contains("No longer trusted: 1.0.0.", rotated.Out, StringComparison.Ordinal);
        Assert.Contains("no longer trusted", (await DoneAsync("release", "list", "kettle")).Out, StringComparison.Ordinal);
        Assert.Contains("which is no longer trusted", (await DoneAsync("release", "show", "kettle", "1.0.0")).Out, StringComparison.Ordinal);
        await RefusedAsync("sign it anew", "deploy", "kettle", "1.0.0", "--all");
        File.WriteAllText(_folder["new.bin"], "signed by the new key");

        await RefusedAsync("signature", "release", "push", "kettle", "1.1.0", "new.bin", "--key", "acme.pem", "--hardware", "virtual");
        await DoneAsync("release", "push", "kettle", "1.1.0", "new.bin", "--key", "next.pem", "--hardware", "virtual");
        await DoneAsync("deploy", "kettle", "1.1.0", "--all");
        await DoneAsync("simulate", "kettle", "--count", "2", "--once");
        var devices = (await DoneAsync("simulate", "kettle", "--count", "3", "--once", "--json")).Json;

        Assert.All(devices.EnumerateArray(), device => Assert.Equal("1.1.0", device.GetProperty("running").GetString()));
    }

    [Fact]
    public async Task A_deploy_below_the_security_floor_says_how_many_devices_it_does_not_reach()
    {
        await PushAsync("1.0.0", "old", "--security-counter", "1");
        await PushAsync("1.1.0", "new", "--security-counter", "2");
        await DoneAsync("deploy", "kettle", "1.1.0", "--all");
        await DoneAsync("simulate", "kettle", "--count", "2", "--once");

        var back = await DoneAsync("deploy", "kettle", "1.0.0", "--all");

        Assert.Contains("2 of them have confirmed a higher security counter", back.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pushing_a_build_again_says_what_was_kept()
    {
        await PushAsync("1.0.0", "good", "--notes", "First.");
        string[] again = ["release", "push", "kettle", "1.0.0", "1.0.0.bin", "--key", "acme.pem", "--hardware", "virtual"];

        var same = await DoneAsync([.. again, "--notes", "First."]);
        var other = await DoneAsync([.. again, "--channel", "beta", "--notes", "Second."]);

        Assert.StartsWith("It was there already, just so.", same.Out, StringComparison.Ordinal);
        Assert.StartsWith(
            "It was there already; it stays on channel stable and its notes stay as they were.", other.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_build_signed_offline_is_taken_from_the_drop_folder()
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder["data"], "releases", "kettle", "2.0.0")).FullName;
        File.WriteAllText(Path.Combine(folder, "kettle.bin"), "dropped");
        await DoneAsync("sign", "kettle", "2.0.0", Path.Combine(folder, "kettle.bin"), "--key", "acme.pem", "--hardware", "virtual");

        var verdict = Path.Combine(folder, "accepted.txt");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!File.Exists(verdict))
            await Task.Delay(50, patience.Token);

        Assert.Equal("accepted", (await DoneAsync("release", "dropped", "--json")).Json[0].GetProperty("result").GetString());
        Assert.Equal("2.0.0", (await DoneAsync("release", "show", "kettle", "2.0.0", "--json")).Json.GetProperty("version").GetString());
    }

    [Fact]
    public async Task Verification_tells_the_signed_file_from_another_and_the_right_key_from_another()
    {
        await PushAsync("1.0.0", "good");
        File.WriteAllText(_folder["other.bin"], "evil");
        await DoneAsync("keys", "new", "--out", "stranger.pem");

        await DoneAsync("release", "verify", "kettle", "1.0.0", "--release-key", "acme.pub.pem", "--file", "1.0.0.bin");
        await RefusedAsync("", "release", "verify", "kettle", "1.0.0", "--release-key", "acme.pub.pem", "--file", "other.bin");
        await RefusedAsync("", "release", "verify", "kettle", "1.0.0", "--release-key", "stranger.pub.pem");
    }

    [Fact]
    public async Task Roles_hold_on_the_command_line_and_revoked_keys_do_nothing()
    {
        await PushAsync("1.0.0", "good");
        await DoneAsync("simulate", "kettle", "--count", "2", "--once");
        var added = (await DoneAsync("staff", "add", "Sam", "--role", "support", "--json")).Json;
        _ota["OTA_KEY"] = added.GetProperty("key").GetString()!;
        var device = (await DoneAsync("device", "list", "--json")).Json[0].GetProperty("id").GetString()!;

        await DoneAsync("device", "group", device, "kitchens");
        await DoneAsync("deploy", "kettle", "1.0.0", "--device", device);
        await RefusedAsync("role", "deploy", "kettle", "1.0.0", "--all");
        await RefusedAsync("role", "release", "withdraw", "kettle", "1.0.0");
        await RefusedAsync("role", "audit");

        _ota["OTA_KEY"] = _server.AdminKey;
        await DoneAsync("staff", "revoke", added.GetProperty("id").GetString()!);
        _ota["OTA_KEY"] = added.GetProperty("key").GetString()!;
        await RefusedAsync("wrong or was revoked", "device", "list");
        Assert.Equal(401, (await _ota.RunAsync("device", "list", "--json")).JsonError.GetProperty("status").GetInt32());
    }

    [Fact]
    public async Task People_are_added_and_kept_out_on_the_command_line()
    {
        var added = (await DoneAsync("person", "add", "Grace", "--role", "viewer", "--json")).Json;
        var id = added.GetProperty("id").GetString()!;
        var invited = (await DoneAsync("person", "invite", id, "--json")).Json;
        Assert.NotEqual(added.GetProperty("code").GetString(), invited.GetProperty("code").GetString());
        await RefusedAsync("already a person", "person", "add", "grace", "--role", "admin");
        await DoneAsync("person", "role", id, "support");
        await DoneAsync("person", "disable", id);

        var person = (await DoneAsync("person", "list", "--json")).Json[0];
        Assert.Equal(
            ("Grace", "support", "disabled"),
            (person.GetProperty("name").GetString(), person.GetProperty("role").GetString(), person.GetProperty("state").GetString()));
        await DoneAsync("person", "enable", id);
    }

    [Fact]
    public async Task Answers_name_what_they_are_about()
    {
        await PushAsync("1.0.0", "good");
        await DoneAsync("release", "push", "kettle", "1.0.0", "1.0.0.bin", "--key", "acme.pem", "--hardware", "virtual", "--kind", "recovery");
        await DoneAsync("simulate", "kettle", "--count", "2", "--once");
        var device = (await DoneAsync("device", "list", "--json")).Json[0];
        var (id, hardwareId) = (device.GetProperty("id").GetString()!, device.GetProperty("hardwareId").GetString()!);

        await SaysAsync("for group kitchens: no device of kettle is in it yet", "deploy", "kettle", "1.0.0", "--group", "kitchens");
        await DoneAsync("device", "group", id, "kitchens");
        await SaysAsync("for group kitchens: 1 device, when it next asks.", "deploy", "kettle", "1.0.0", "--group", "kitchens");
        await SaysAsync("for all devices: 2 devices, each when it next asks.", "deploy", "kettle", "1.0.0", "--all");
        await SaysAsync($"for device {hardwareId}, when it next asks.", "deploy", "kettle", "1.0.0", "--device", hardwareId);
        await SaysAsync("1.0.0", "deployment", "list", "--device", hardwareId.ToUpperInvariant());
        await SaysAsync("Until it enrolls again, the old secrets work", "device", "hand-over", id);
        await SaysAsync("pending: until it enrolls again, its old secrets work", "device", "show", id);
        await RefusedAsync("--hardware or --kind", "release", "withdraw", "kettle", "1.0.0");
        await RefusedAsync("no product 'teapot'", "device", "list", "--product", "teapot");
        await RefusedAsync("state is enrolled or", "device", "list", "--state", "bored");
        var unnamed = await _ota.RunAsync("device", "show");
        Assert.Contains("<device> is missing.", unnamed.Error, StringComparison.Ordinal);
        var lettered = await _ota.RunAsync("device", "list", "--limit", "x");
        Assert.Contains("--limit takes a number, not 'x'.", lettered.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_webhook_is_added_tested_listed_without_its_secrets_and_removed()
    {
        var got = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var receiver = await StubServer.StartAsync(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            got.TrySetResult(await reader.ReadToEndAsync());
        });
        await RefusedAsync("https", "webhook", "add", "kettle", "http://example.com/", "--event", "alert.opened");
        await RefusedAsync("one or more of alert.opened", "webhook", "add", "kettle", receiver.Address, "--event", "alert");

        var added = await DoneAsync(
            "webhook", "add", "kettle", receiver.Address + "/hook?token=hush", "--event", "deployment.confirmed", "--event", "alert.opened");
        var id = added.Out.Split(' ')[0];
        var secret = added.Out.Trim().Split('\n')[^1];
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        var ping = (await DoneAsync("webhook", "test", "kettle", id, "--json")).Json.GetProperty("event").GetString()!;
        Assert.Contains($"\"id\":\"{ping}\",\"type\":\"ping\"", await got.Task.WaitAsync(TimeSpan.FromSeconds(30)), StringComparison.Ordinal);

        var listed = (await DoneAsync("webhook", "list", "kettle")).Out;
        Assert.Contains(receiver.Address + "/hook ", listed, StringComparison.Ordinal);
        Assert.DoesNotContain("hush", listed, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, listed, StringComparison.Ordinal);
        await SaysAsync("Removed: " + id, "webhook", "remove", "kettle", id);
        await RefusedAsync("no webhook", "webhook", "remove", "kettle", id);
        await SaysAsync("No webhook.", "webhook", "list", "kettle");
        await SaysAsync("No alert.", "alert", "list", "--open", "--product", "kettle", "--kind", "silent");
    }

    [Fact]
    public async Task Every_listing_is_one_JSON_document()
    {
        await PushAsync("1.0.0", "good");
        await DoneAsync("deploy", "kettle", "1.0.0", "--all");
        await DoneAsync("simulate", "kettle", "--count", "1", "--once");
        foreach (var command in new[]
        {
            "whoami", "product list", "product show kettle", "release list kettle", "release show kettle 1.0.0", "release dropped", "device list",
            "deployment list", "rollout list", "rollout show 1", "rollout status 1",
            "rollout plan kettle 1.0.0", "rollout abort 1", "alert list", "webhook list kettle", "staff list", "person list",
            "audit",
        })
        {
            var result = await DoneAsync([.. command.Split(' '), "--json"]);
            Assert.True(result.Json.ValueKind is JsonValueKind.Array or JsonValueKind.Object, command);
        }
    }

    private async Task<JsonElement> PushAsync(string version, string content, params string[] more)
    {
        File.WriteAllText(_folder[version + ".bin"], content);
        return (await DoneAsync(
            ["release", "push", "kettle", version, version + ".bin", "--key", "acme.pem", "--hardware", "virtual", "--json", .. more])).Json;
    }

    private async Task<CommandResult> DoneAsync(params string[] arguments) => (await _ota.RunAsync(arguments)).Succeeded();

    private async Task SaysAsync(string sentence, params string[] arguments) =>
        Assert.Contains(sentence, (await DoneAsync(arguments)).Out, StringComparison.Ordinal);

    private async Task RefusedAsync(string reason, params string[] arguments)
    {
        var result = await _ota.RunAsync(arguments);
        Assert.True(result.ExitCode == 1, $"exit code {result.ExitCode}: {result.Out}{result.Error}");
        Assert.Contains(reason, result.Error, StringComparison.OrdinalIgnoreCase);
    }
}
