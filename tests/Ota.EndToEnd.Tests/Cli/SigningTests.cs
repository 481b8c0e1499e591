using Ota.Signing;

namespace Ota.EndToEnd.Tests.Cli;

public sealed class SigningTests : IDisposable
{
    private static readonly string Key = Built.Vector("TEST-ONLY-release-key.pem");
    private static readonly string PublicKey = Built.Vector("TEST-ONLY-release-key.pub.pem");
    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;

    public SigningTests()
    {
        _ota = new OtaCommand(_folder.Path);
        File.WriteAllBytes(_folder["app.bin"], [.. Enumerable.Range(0, 10_000).Select(i => (byte)(i * 7))]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_signed_statement_describes_the_file_and_verifies()
    {
        var signed = (await SignAsync("app.bin", "--security-counter", "3", "--notes", "Fixes the relay.", "--hardware", "esp32-s3", "--format", "raw"))
            .Succeeded().Json;

        var compact = File.ReadAllText(_folder["app.bin.statement.jws"]);
        var trusted = ReleaseKey.FromPem(File.ReadAllText(PublicKey), out _)!;
        var verified = ReleaseStatement.Verify(compact, [trusted], out var reason);
        Assert.Equal("", reason);
        Assert.Equal(["board", "esp32-s3"], verified!.Statement.Hardware);
        Assert.Equal(3, verified.Statement.SecurityCounter);
        Assert.Equal("Fixes the relay.", verified.Statement.Notes);
        Assert.Equal(verified.Hash, signed.GetProperty("id").GetString());

        using var digests = new ImageDigests(10_000);
        digests.Append(File.ReadAllBytes(_folder["app.bin"]));
        Assert.Equivalent(digests.Describe("raw"), verified.Statement.Image, strict: true);
    }

    [Fact]
    public async Task The_same_build_signed_twice_at_its_source_date_is_the_same_statement()
    {
        _ota["SOURCE_DATE_EPOCH"] = "1767225600";
        (await SignAsync("app.bin", "--out", "one.jws")).Succeeded();
        (await SignAsync("app.bin", "--out", "two.jws")).Succeeded();

        Assert.Equal(File.ReadAllText(_folder["one.jws"]), File.ReadAllText(_folder["two.jws"]));
    }

    [Theory]
    [InlineData("esp32", "E9 05 02 20 38 14 08 40 EE 00 00 00 09 00 00 00 00 00 00 00 00 00 00 01 20 00 0C 3C 00 10 00 00 32 54 CD AB", "esp32")]
    [InlineData("board", "E9 05 02 20 38 14 08 40 EE 00 00 00 09 00 00 00 00 00 00 00 00 00 00 01 20 00 0C 3C 00 10 00 00 00 00 00 00", "esp32")]
    [InlineData("board", "E9 01 02 40 A8 F1 10 40 00 F0 10 40 B8 0D 00 00 0B 00 00 00 00 00 00 01 20 00 0C 3C 00 10 00 00 00 00 00 00", "esp8266")]
    [InlineData("esp8266", "EA 04 02 40 A8 F1 10 40 00 F0 10 40 B8 0D 00 00 0B 00 00 00 00 00 00 01 20 00 0C 3C 00 10 00 00 00 00 00 00", "esp8266")]
    [InlineData("esp32", "4E 46 4D 52 4B 32 00 00 01 02 03 04", "nano")]
    [InlineData("board", "E9", "raw")]
    [InlineData("board", "00 01 02 03", "raw")]
    public async Task The_format_is_told_from_the_first_bytes(string hardware, string head, string expected)
    {
        File.WriteAllBytes(_folder["image"], Convert.FromHexString(head.Replace(" ", "", StringComparison.Ordinal)));

        var signed = await _ota.RunAsync("sign", "thermostat", "1.1.0", "image", "--key", Key, "--hardware", hardware, "--json");

        Assert.Equal(expected, signed.Succeeded().Json.GetProperty("format").GetString());
    }

    [Theory]
    [InlineData("7F 45 4C 46 01 01 01 00", 0, "ELF file")]
    [InlineData("FF", 4096, "whole flash from its start")]
    [InlineData("FF FF FF FF FF FF FF FF", 0, "blank flash")]
    [InlineData("4D 5A 90 00", 0, "ota image pack")]
    [InlineData("00 01 02 03", 0, "no image that an esp32-c3 could start. If it is right")]
    public async Task Bytes_that_no_esp_could_start_are_refused_unless_they_are_said_to_be_raw(string head, int bootloaderAt, string says)
    {
        var bytes = Convert.FromHexString(head.Replace(" ", "", StringComparison.Ordinal));
        if (bootloaderAt > 0)
            bytes = [.. Enumerable.Repeat(bytes[0], bootloaderAt), 0xE9, 0x03, .. new byte[100]];
        File.WriteAllBytes(_folder["image"], bytes);

        var refused = await SignAsync("image", "--hardware", "esp32-c3");
        var stated = await SignAsync("image", "--hardware", "esp32-c3", "--format", "raw");

        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(says, refused.Error, StringComparison.Ordinal);
        Assert.Contains("--format raw", refused.Error, StringComparison.Ordinal);
        Assert.Equal("raw", stated.Succeeded().Json.GetProperty("format").GetString());
    }

    [Theory]
    [InlineData("Thermo stat", "1.1.0", "product")]
    [InlineData("thermostat", "1.1", "version")]
    [InlineData("thermostat", "1.1.0+build", "version")]
    public async Task A_bad_name_or_version_is_wrong_usage(string product, string version, string named)
    {
        var result = await _ota.RunAsync("sign", product, version, "app.bin", "--key", Key, "--hardware", "esp32");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(named, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_or_empty_image_and_a_public_key_are_wrong_usage()
    {
        File.WriteAllText(_folder["empty"], "");

        Assert.Equal(2, (await SignAsync("nowhere")).ExitCode);
        Assert.Equal(2, (await SignAsync("empty")).ExitCode);
        var wrongKey = await _ota.RunAsync("sign", "thermostat", "1.1.0", "app.bin", "--key", PublicKey, "--hardware", "esp32");
        Assert.Equal(2, wrongKey.ExitCode);
        Assert.Contains("public key", wrongKey.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("release.jws", "image.bin", 0)]
    [InlineData("release-by-stranger.jws", "image.bin", 1)]
    [InlineData("release-other-product.jws", "image.bin", 1)]
    [InlineData("keys.jws", "image.bin", 1)]
    [InlineData("release.jws", "release.jws", 1)]
    public async Task Verify_believes_only_the_named_key_and_the_right_image(string statement, string image, int expected)
    {
        var result = await _ota.RunAsync(
            "release", "verify", "thermostat", "1.1.0", "--release-key", PublicKey,
            "--statement", Built.Vector(statement), "--file", Built.Vector(image));

        Assert.True(result.ExitCode == expected, result.Out + result.Error);
        Assert.Equal(expected == 0, result.Out.Contains("Verified", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_older_release_signed_by_the_right_key_does_not_verify_as_a_newer_one()
    {
        var result = await _ota.RunAsync(
            "release", "verify", "thermostat", "2.0.0", "--release-key", PublicKey, "--statement", Built.Vector("release.jws"));

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("thermostat 1.1.0", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_that_is_not_the_signed_one_is_never_uploaded()
    {
        (await SignAsync("app.bin")).Succeeded();
        File.AppendAllText(_folder["app.bin"], "!");

        var result = await _ota.RunAsync("release", "push", "thermostat", "1.1.0", "app.bin", "--statement", "app.bin.statement.jws");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("10,001 bytes", result.Error, StringComparison.Ordinal);
    }

    private Task<CommandResult> SignAsync(string file, params string[] more) =>
        _ota.RunAsync(["sign", "thermostat", "1.1.0", file, "--key", Key, "--hardware", "board", "--json", .. more]);
}
