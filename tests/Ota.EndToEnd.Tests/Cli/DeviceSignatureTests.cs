using System.Buffers.Binary;
using System.Diagnostics;
using System.Security.Cryptography;

namespace Ota.EndToEnd.Tests.Cli;

/// <summary>What stands behind an image for the device's own updater, held against openssl, which knows nothing of us.</summary>
public sealed class DeviceSignatureTests : IDisposable
{
    private static readonly string Key = Built.Vector("TEST-ONLY-release-key.pem");
    private readonly TemporaryFolder _folder = new();
    private readonly OtaCommand _ota;
    private readonly byte[] _image = [0xE9, .. Enumerable.Range(0, 9_999).Select(i => (byte)(i * 7))];

    public DeviceSignatureTests()
    {
        _ota = new OtaCommand(_folder.Path);
        File.WriteAllBytes(_folder["app.bin"], _image);
    }

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("2048")]
    [InlineData("3072")]
    public async Task The_esp8266_finds_a_pkcs1_signature_and_its_length_behind_the_image(string bits)
    {
        await OpenSslAsync("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" + bits, "-out", "device.pem");

        var signed = await SignedAsync("esp8266-signed", "device.pem");

        var length = BinaryPrimitives.ReadInt32LittleEndian(signed.AsSpan(signed.Length - 4));
        Assert.Equal(int.Parse(bits, System.Globalization.CultureInfo.InvariantCulture) / 8, length);
        Assert.Equal(_image, signed[..^(length + 4)]);
        await VerifiedAsync(signed[_image.Length..^4]);
    }

    [Theory]
    [InlineData("2048")]
    [InlineData("4096")]
    public async Task The_esp32_finds_a_pss_signature_with_the_longest_salt_in_512_bytes(string bits)
    {
        await OpenSslAsync("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:" + bits, "-out", "device.pem");
        var size = int.Parse(bits, System.Globalization.CultureInfo.InvariantCulture) / 8;

        var signed = await SignedAsync("esp32-signed", "device.pem");

        Assert.Equal(_image.Length + 512, signed.Length);
        Assert.Equal(_image, signed[..^512]);
        Assert.All(signed[(_image.Length + size)..], padding => Assert.Equal(0, padding));
        var salt = $"rsa_pss_saltlen:{size - 32 - 2}";
        await VerifiedAsync(signed[_image.Length..(_image.Length + size)], "-sigopt", "rsa_padding_mode:pss", "-sigopt", salt);
    }

    [Theory]
    [InlineData("P-256")]
    [InlineData("P-384")]
    public async Task The_esp32_finds_an_ecdsa_signature_in_512_bytes(string curve)
    {
        await OpenSslAsync("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:" + curve, "-out", "device.pem");

        var signed = await SignedAsync("esp32-signed", "device.pem");

        var tail = signed[^512..];
        var length = tail[1] + 2;
        Assert.All(tail[length..], padding => Assert.Equal(0, padding));
        await VerifiedAsync(tail[..length]);
    }

    [Fact]
    public async Task What_cannot_be_signed_so_is_said()
    {
        await OpenSslAsync("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "curve.pem");
        await OpenSslAsync("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024", "-out", "short.pem");
        foreach (var (says, arguments) in new (string, string[])[]
        {
            ("verifies RSA only", ["--format", "esp8266-signed", "--device-key", "curve.pem"]),
            ("1024 bits", ["--format", "esp8266-signed", "--device-key", "short.pem"]),
            ("needs --device-key", ["--format", "esp32-signed"]),
            ("goes with --format", ["--format", "esp32", "--device-key", "curve.pem"]),
            ("not a PEM private key", ["--format", "esp32-signed", "--device-key", "app.bin"]),
        })
        {
            var refused = await _ota.RunAsync(["sign", "lamp", "1.1.0", "app.bin", "--key", Key, "--hardware", "esp8266", .. arguments]);
            Assert.Equal(2, refused.ExitCode);
            Assert.Contains(says, refused.Error, StringComparison.Ordinal);
        }
    }

    private async Task<byte[]> SignedAsync(string format, string deviceKey)
    {
        var signed = await _ota.RunAsync(
            "sign", "lamp", "1.1.0", "app.bin", "--key", Key, "--hardware", "lamp", "--format", format, "--device-key", deviceKey, "--json");
        var image = await File.ReadAllBytesAsync(_folder["app.bin.signed"]);
        var said = signed.Succeeded().Json;
        Assert.Equal(format.Replace("-signed", "", StringComparison.Ordinal), said.GetProperty("format").GetString());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(image)), said.GetProperty("sha256").GetString());
        Assert.True(File.Exists(_folder["app.bin.signed.statement.jws"]));
        return image;
    }

    private async Task VerifiedAsync(byte[] signature, params string[] options)
    {
        await File.WriteAllBytesAsync(_folder["signature"], signature);
        await OpenSslAsync("pkey", "-in", "device.pem", "-pubout", "-out", "device.pub.pem");
        await OpenSslAsync(["dgst", "-sha256", "-verify", "device.pub.pem", .. options, "-signature", "signature", "app.bin"]);
    }

    private async Task OpenSslAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("openssl", arguments)
        {
            WorkingDirectory = _folder.Path, RedirectStandardError = true, RedirectStandardOutput = true,
        })!;
        var said = await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, said);
    }
}
