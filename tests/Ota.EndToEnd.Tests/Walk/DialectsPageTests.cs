using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>The commands of docs/dialects.md for the ESP8266, hawkBit and Mender, copied line by line: the product, the push, and then curl as the device.</summary>
public sealed partial class DialectsPageTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private OtaServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        foreach (var program in new[] { "jq", "curl", "openssl", "mender-artifact" })
            Assert.SkipUnless(File.Exists("/usr/bin/" + program), $"{program} is missing: apt-get install {program}.");
        _server = await OtaServer.NewAsync(_folder["data"]);
        foreach (var image in new[] { "gateway.swu", "rootfs.ext4" })
            await File.WriteAllBytesAsync(_folder[image], RandomNumberGenerator.GetBytes(100_000));
        await File.WriteAllBytesAsync(_folder["lamp.bin"], AnEsp8266Image.Bytes());
        await RunAsync("ota keys new --out acme.pem");
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("esp8266", "lamp", "24:6f:28:aa:3f:10", "esp8266")]
    [InlineData("hawkBit (SWUpdate, RAUC)", "gateway", "24:6f:28:aa:3f:30", "hawkbit")]
    [InlineData("Mender", "kettle", "24:6f:28:aa:3f:40", "mender")]
    public async Task A_board_is_taken_from_1_1_0_to_1_2_0_by_the_commands_of_the_page(string section, string product, string mac, string dialect)
    {
        var commands = Commands(section);
        Assert.Contains("curl", commands[^1], StringComparison.Ordinal);
        foreach (var block in commands[..^1])
            await RunAsync(block);

        var adopted = await RunAsync($"ota device adopt {product} {mac} --dialect {dialect} --json");
        await RunAsync(commands[^1]
            .Replace("DEVICE", adopted.Json.GetProperty("device").GetString(), StringComparison.Ordinal)
            .Replace("TOKEN", adopted.Json.GetProperty("token").GetString(), StringComparison.Ordinal));

        var shown = (await RunAsync("ota device show " + mac)).Out;
        Assert.Contains($"runs {product} 1.2.0", shown, StringComparison.Ordinal);
        Assert.Contains("runs 1.1.0", shown, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("confirmed", shown, StringComparison.Ordinal);
    }

    // What needs neither a client's own program nor its folders, nor signs what is pushed again.
    private static string[] Commands(string section)
    {
        var page = File.ReadAllText(Built.File("server/docs/dialects.md"));
        var start = page.IndexOf($"\n## {section}\n", StringComparison.Ordinal);
        var end = page.IndexOf("\n## ", start + 1, StringComparison.Ordinal);
        return [.. ShellBlock().Matches(end < 0 ? page[start..] : page[start..end]).Select(match => match.Groups[1].Value)
            .Where(block => !block.Contains("swupdate -f", StringComparison.Ordinal) && !block.Contains("--device-key", StringComparison.Ordinal))];
    }

    private async Task<CommandResult> RunAsync(string commands)
    {
        var script = commands.Replace("\r", "", StringComparison.Ordinal)
            .Replace("https://ota.example", _server.Address.ToString().TrimEnd('/'), StringComparison.Ordinal);
        var result = await Shell.RunAsync(
            _folder, script,
            new Dictionary<string, string> { ["OTA_SERVER"] = _server.Address.ToString(), ["OTA_KEY"] = _server.AdminKey });
        return result.Succeeded();
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();
}
