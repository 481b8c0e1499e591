using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using Ota.Signing;

namespace Ota.EndToEnd.Tests.Cli;

public sealed class KeysTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;

    public KeysTests() => _ota = new OtaCommand(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_new_key_is_readable_by_its_owner_only_and_fits_its_public_half()
    {
        var made = (await _ota.RunAsync("keys", "new", "--out", "acme.pem", "--json")).Succeeded().Json;

        using var key = RSA.Create();
        key.ImportFromPem(File.ReadAllText(_folder["acme.pem"]));
        Assert.Equal(ReleaseKey.Bits, key.KeySize);
        Assert.Equal(Public("acme.pub.pem").Modulus, ReleaseKey.Of(key, out _)!.Modulus);
        Assert.Equal(Public("acme.pub.pem").Id, made.GetProperty("id").GetString());
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_folder["acme.pem"]));
    }

    [Theory]
    [InlineData("TEST-ONLY-release-key.pem")]
    [InlineData("TEST-ONLY-release-key.pub.pem")]
    public async Task A_key_is_shown_as_the_unit_file_of_a_device_wants_it(string file)
    {
        var modulus = Base64Url.EncodeToString(Public(Built.Vector("TEST-ONLY-release-key.pub.pem")).Modulus);

        var shown = (await _ota.RunAsync("keys", "show", Built.Vector(file))).Succeeded().Out;
        var json = (await _ota.RunAsync("keys", "show", Built.Vector(file), "--json")).Succeeded().Json;

        Assert.Contains($"\nrelease-key = {modulus}\n", shown, StringComparison.Ordinal);
        Assert.Equal(modulus, json.GetProperty("modulus").GetString());
    }

    [Theory]
    [InlineData("acme.pem")]
    [InlineData("acme.pub.pem")]
    public async Task An_existing_file_is_never_overwritten_by_a_new_key(string taken)
    {
        File.WriteAllText(_folder[taken], "precious");

        var result = await _ota.RunAsync("keys", "new", "--out", "acme.pem");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains(taken, result.Error, StringComparison.Ordinal);
        Assert.Equal("precious", File.ReadAllText(_folder[taken]));
        Assert.Single(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task An_encrypted_key_opens_with_its_password_alone()
    {
        (await _ota.RunAsync("correct horse\n", ["keys", "new", "--out", "acme.pem", "--password-stdin"])).Succeeded();
        var id = Public("acme.pub.pem").Id;

        var fromStdin = (await _ota.RunAsync("correct horse\n", ["keys", "show", "acme.pem", "--password-stdin", "--json"])).Succeeded();
        Assert.Equal(id, fromStdin.Json.GetProperty("id").GetString());
        Assert.True(fromStdin.Json.GetProperty("encrypted").GetBoolean());

        _ota["OTA_KEY_PASSWORD"] = "correct horse";
        Assert.Contains(id, (await _ota.RunAsync("keys", "show", "acme.pem")).Succeeded().Out, StringComparison.Ordinal);

        _ota["OTA_KEY_PASSWORD"] = "wrong horse";
        var wrong = await _ota.RunAsync("keys", "show", "acme.pem");
        Assert.Equal(2, wrong.ExitCode);
        Assert.Contains("password", wrong.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("wrong horse", wrong.Error, StringComparison.Ordinal);

        _ota["OTA_KEY_PASSWORD"] = "";
        var none = await _ota.RunAsync("keys", "show", "acme.pem");
        Assert.Equal(2, none.ExitCode);
        Assert.Contains("OTA_KEY_PASSWORD", none.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_shown_key_is_the_line_that_a_devices_unit_file_takes()
    {
        var file = Built.Vector("TEST-ONLY-release-key.pub.pem");
        using var rsa = RSA.Create();
        rsa.ImportFromPem(File.ReadAllText(file));
        var modulus = System.Buffers.Text.Base64Url.EncodeToString(rsa.ExportParameters(includePrivateParameters: false).Modulus);

        Assert.Contains("release-key = " + modulus + "\n", (await _ota.RunAsync("keys", "show", file)).Succeeded().Out, StringComparison.Ordinal);
        Assert.Equal(modulus, (await _ota.RunAsync("keys", "show", file, "--json")).Succeeded().Json.GetProperty("modulus").GetString());
    }

    [Fact]
    public async Task An_encrypted_key_costs_an_attacker_600_000_iterations_a_guess()
    {
        (await _ota.RunAsync("correct horse\n", ["keys", "new", "--out", "acme.pem", "--password-stdin"])).Succeeded();

        var body = Regex.Match(File.ReadAllText(_folder["acme.pem"]), "-----BEGIN ENCRYPTED PRIVATE KEY-----(.*)-----END", RegexOptions.Singleline);
        var der = Convert.ToHexString(Convert.FromBase64String(body.Groups[1].Value));

        Assert.Contains("02030927C0", der, StringComparison.Ordinal); // INTEGER 600000
        Assert.Contains("2A864886F70D0209", der, StringComparison.Ordinal); // hmacWithSHA256
        Assert.Contains("60864801650304012A", der, StringComparison.Ordinal); // aes256-CBC
    }

    [Fact]
    public async Task A_password_asked_for_without_a_terminal_is_wrong_usage_and_writes_nothing()
    {
        var result = await _ota.RunAsync("keys", "new", "--out", "acme.pem", "--password");

        Assert.Equal(2, result.ExitCode);
        Assert.Empty(Directory.GetFiles(_folder.Path));
    }

    [Fact]
    public async Task A_rotation_written_to_a_file_verifies_with_the_old_key_and_names_only_what_the_developer_named()
    {
        (await _ota.RunAsync(
            "keys", "rotate", "thermostat", "--key", Built.Vector("TEST-ONLY-release-key.pem"),
            "--new", Built.Vector("TEST-ONLY-next-release-key.pub.pem"), "--keep", "--counter", "2", "--out", "keys.jws")).Succeeded();

        var old = Public(Built.Vector("TEST-ONLY-release-key.pub.pem"));
        var next = Public(Built.Vector("TEST-ONLY-next-release-key.pub.pem"));
        var statement = KeyStatement.Verify(File.ReadAllText(_folder["keys.jws"]), [old], out var keys, out var reason);
        Assert.Equal("", reason);
        Assert.Equal(2, statement!.Counter);
        Assert.Equal([next.Id, old.Id], keys.Select(key => key.Id));
    }

    [Theory]
    [InlineData(0, 1, 0)]
    [InlineData(6, 7, 0)]
    [InlineData(2147483646, 0, 2)]
    public async Task A_server_cannot_have_the_last_possible_counter_signed(int said, int expected, int exit)
    {
        string? sent = null;
        await using var server = await StubServer.StartAsync(async context =>
        {
            if (context.Request.Method == "POST")
                sent = await new StreamReader(context.Request.Body).ReadToEndAsync(context.RequestAborted);
            context.Response.ContentType = "application/json";
            await context.Response.WriteAsync(
                $$"""{"name":"thermostat","hardware":[],"releaseKeys":[],"keyCounter":{{said}},"poll":"every 1m"}""");
        });
        _ota["OTA_SERVER"] = server.Address;

        var result = await _ota.RunAsync(
            "keys", "rotate", "thermostat", "--key", Built.Vector("TEST-ONLY-release-key.pem"),
            "--new", Built.Vector("TEST-ONLY-next-release-key.pub.pem"));

        Assert.Equal(exit, result.ExitCode);
        if (exit != 0)
            Assert.Null(sent);
        else
            Assert.Equal(expected, KeyStatement.Verify(sent!, [Public(Built.Vector("TEST-ONLY-release-key.pub.pem"))], out _, out _)!.Counter);
    }

    [Fact]
    public async Task A_private_key_offered_as_a_new_public_one_is_refused()
    {
        var result = await _ota.RunAsync(
            "keys", "rotate", "thermostat", "--key", Built.Vector("TEST-ONLY-release-key.pem"),
            "--new", Built.Vector("TEST-ONLY-next-release-key.pem"), "--counter", "2", "--out", "keys.jws");

        Assert.Equal(2, result.ExitCode);
        Assert.Contains("private key", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder["keys.jws"]));
    }

    private ReleaseKey Public(string file) => ReleaseKey.FromPem(File.ReadAllText(_folder[file]), out _)!;
}
