using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Security.Cryptography;
using Ota.Signing;

namespace Ota.EndToEnd.Tests.Durability;

/// <summary>64 MiB through the real process, in and out.</summary>
public sealed class LargeImageTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Most = 64 * 1024 * 1024;
    private readonly TemporaryFolder _folder = new();
    private readonly RSA _key = RSA.Create(3072);
    private OtaServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await OtaServer.NewAsync(_folder["data"]);
        using var added = await _server.Staff.PostAsJsonAsync("api/v1/products", new
        {
            name = "large", hardware = new[] { "virtual" }, releaseKeys = new[] { _key.ExportSubjectPublicKeyInfoPem() },
        });
        added.EnsureSuccessStatusCode();
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _key.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task An_upload_of_64_MiB_takes_less_than_30_MB_above_idle_and_is_resumed_by_curl()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Peak memory is read from /proc.");
        await UploadAsync("1.0.0", 100_000);
        var idle = Peak();

        var sha256 = await UploadAsync("1.1.0", Most);

        var above = Peak() - idle;
        output.WriteLine($"memory: {above / 1024.0 / 1024:F1} MB above idle for a 64 MiB upload");
        Console.WriteLine($"memory: {above / 1024.0 / 1024:F1} MB above idle for a 64 MiB upload");
        Assert.True(above < 30_000_000, $"{above} bytes above idle");

        var whole = await _server.Staff.GetByteArrayAsync("images/" + sha256);
        await File.WriteAllBytesAsync(_folder["half.bin"], whole.AsMemory(0, 1_000_003));
        await CurlAsync("-C", "-", "-o", _folder["half.bin"], $"{_server.Address}images/{sha256}");
        Assert.Equal(sha256, Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(_folder["half.bin"]))));

        var status = await CurlAsync("-o", "/dev/null", "-w", "%{http_code}", "-H", $"If-None-Match: \"{sha256}\"", $"{_server.Address}images/{sha256}");
        Assert.Equal("304", status);
    }

    private async Task<string> UploadAsync(string version, int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        using var digests = new ImageDigests(size);
        digests.Append(bytes);
        var image = digests.Describe("raw");
        using var form = new MultipartFormDataContent
        {
            { new StringContent(new ReleaseStatement("large", version, "application", ["virtual"], 0, 1767225600, image).Sign(_key)), "statement" },
            { new ByteArrayContent(bytes), "image", "image.bin" },
        };
        using var answer = await _server.Staff.PostAsync("api/v1/products/large/releases", form);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return image.Sha256;
    }

    // The highest resident memory since the last call, in bytes; the kernel starts to count anew.
    private long Peak()
    {
        var line = File.ReadLines($"/proc/{_server.ProcessId}/status").First(status => status.StartsWith("VmHWM:", StringComparison.Ordinal));
        File.WriteAllText($"/proc/{_server.ProcessId}/clear_refs", "5");
        return long.Parse(line.Split(':')[1].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
    }

    private async Task<string> CurlAsync(params string[] arguments)
    {
        using var curl = Process.Start(new ProcessStartInfo(
            "curl", ["-sS", "--fail", "-H", "Authorization: " + new AuthenticationHeaderValue("Bearer", _server.AdminKey), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        })!;
        return (await OtaCommand.ResultAsync(curl)).Succeeded().Out;
    }
}
