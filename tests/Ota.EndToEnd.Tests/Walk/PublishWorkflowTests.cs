using YamlDotNet.RepresentationModel;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>The script of the publishing workflow, taken from its file and run against a real server.</summary>
public sealed class PublishWorkflowTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;
    private OtaCommand _ota = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        _ota = new OtaCommand(_folder.Path) { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey };
        (await _ota.RunAsync("keys", "new", "--out", "acme.pem")).Succeeded();
        (await _ota.RunAsync("product", "add", "kettle", "--hardware", "virtual", "--hardware", "board2", "--release-key", "acme.pub.pem")).Succeeded();
        Directory.CreateDirectory(_folder["build"]);
        await File.WriteAllTextAsync(_folder["build/app one.bin"], "firmware", TestContext.Current.CancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task It_signs_and_pushes_a_build_and_starts_its_rollout()
    {
        (await RunAsync(new() { ["WAVES"] = "1%,100%", ["STOP"] = "failed > 1%", ["NOTES"] = "a 'brighter' display; $(touch owned)" })).Succeeded();

        var release = (await _ota.RunAsync("release", "list", "kettle", "--json")).Succeeded().Json[0];
        Assert.Equal(("1.4.0", 2), (release.GetProperty("version").GetString(), release.GetProperty("hardware").GetArrayLength()));
        Assert.Equal("a 'brighter' display; $(touch owned)", release.GetProperty("notes").GetString());
        var rollout = (await _ota.RunAsync("rollout", "list", "--json")).Succeeded().Json[0];
        Assert.Equal("failed > 1%", rollout.GetProperty("stop").GetString());
        Assert.False(File.Exists(_folder["owned"]));
    }

    [Fact]
    public async Task Without_waves_it_only_pushes_and_a_wrong_key_fails_the_step()
    {
        (await RunAsync(new() { ["CHANNEL"] = "beta" })).Succeeded();
        Assert.Equal(0, (await _ota.RunAsync("rollout", "list", "--json")).Succeeded().Json.GetArrayLength());

        var refused = await RunAsync(new() { ["VERSION"] = "1.5.0", ["OTA_KEY"] = "ota_no_key" });
        Assert.NotEqual(0, refused.ExitCode);
        Assert.DoesNotContain("PRIVATE KEY", refused.Out + refused.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_with_a_password_is_opened_by_it()
    {
        (await _ota.RunAsync("correct horse\n", ["keys", "new", "--out", "sealed.pem", "--password-stdin"])).Succeeded();
        (await _ota.RunAsync("product", "add", "pan", "--hardware", "virtual", "--release-key", "sealed.pub.pem")).Succeeded();

        (await RunAsync(new() { ["PRODUCT"] = "pan", ["HARDWARE"] = "virtual", ["RELEASE_KEY_PASSWORD"] = "correct horse" }, "sealed.pem")).Succeeded();

        Assert.Equal(1, (await _ota.RunAsync("release", "list", "pan", "--json")).Succeeded().Json.GetArrayLength());
    }

    private async Task<CommandResult> RunAsync(Dictionary<string, string> changed, string key = "acme.pem")
    {
        var environment = new Dictionary<string, string>
        {
            ["OTA_SERVER"] = _server.Address.ToString(),
            ["OTA_KEY"] = _server.AdminKey,
            ["RELEASE_KEY"] = await File.ReadAllTextAsync(_folder[key], TestContext.Current.CancellationToken),
            ["IMAGE"] = "build/app one.bin",
            ["PRODUCT"] = "kettle",
            ["VERSION"] = "1.4.0",
            ["HARDWARE"] = "virtual board2",
        };
        var step = Step("Sign, push, roll out");
        // What is not given is empty, as an input that was left out is.
        foreach (var name in ((YamlMappingNode)step["env"]).Children.Keys.Select(name => ((YamlScalarNode)name).Value!))
            environment.TryAdd(name, "");
        foreach (var (name, value) in changed)
            environment[name] = value;
        return await Shell.RunAsync(_folder, ((YamlScalarNode)step["run"]).Value!, environment);
    }

    private static YamlMappingNode Step(string name)
    {
        var workflow = new YamlStream();
        using var text = File.OpenText(Built.File(".github/workflows/publish.yml"));
        workflow.Load(text);
        var steps = (YamlSequenceNode)workflow.Documents[0].RootNode["jobs"]["publish"]["steps"];
        return steps.Cast<YamlMappingNode>().Single(step => step.Children.TryGetValue("name", out var named) && ((YamlScalarNode)named).Value == name);
    }
}
