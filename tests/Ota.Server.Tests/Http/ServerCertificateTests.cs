using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ota.Server.Settings;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Http;

public sealed class ServerCertificateTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ota-certificate-");

    private string Certificate => Path.Combine(_folder.FullName, "cert.pem");

    private string Key => Path.Combine(_folder.FullName, "key.pem");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Https_is_served_by_the_files_and_by_renewed_ones_within_a_minute()
    {
        var first = Renew();
        await using var server = await RunningServer.StartAsync(null, "--urls", "https://127.0.0.1:0", "--Certificate", Certificate, "--CertificateKey", Key);
        var address = new Uri(server.App.Urls.First());
        Assert.Equal("https", address.Scheme);
        Assert.Equal(first, await ShownAsync(address));

        var second = Renew();
        File.SetLastWriteTimeUtc(Certificate, DateTime.UtcNow.AddSeconds(5));
        Assert.Equal(first, await ShownAsync(address));
        server.Time.Ahead += TimeSpan.FromMinutes(1);
        Assert.Equal(second, await ShownAsync(address));

        // Half of a renewal, or rubbish, leaves the one before.
        await File.WriteAllTextAsync(Certificate, "rubbish");
        File.SetLastWriteTimeUtc(Certificate, DateTime.UtcNow.AddSeconds(10));
        server.Time.Ahead += TimeSpan.FromMinutes(1);
        Assert.Equal(second, await ShownAsync(address));
        Assert.Contains("renewed certificate", server.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_cannot_be_used_stop_the_start_by_name()
    {
        await File.WriteAllTextAsync(Certificate, "rubbish");
        foreach (var arguments in (string[][])[["--Certificate", Certificate], ["--Certificate", Certificate, "--CertificateKey", Key]])
        {
            var fault = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(null, arguments));
            Assert.Contains("CertificateKey", fault.Message, StringComparison.Ordinal);
        }

        var proxies = await Assert.ThrowsAsync<SettingFault>(() => RunningServer.StartAsync(null, "--Proxies", "10.0.0.0/33"));
        Assert.Contains("Proxies", proxies.Message, StringComparison.Ordinal);
    }

    private string Renew()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=ota.test", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        File.WriteAllText(Key, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Certificate, certificate.ExportCertificatePem());
        return certificate.GetCertHashString();
    }

    private static async Task<string?> ShownAsync(Uri address)
    {
        string? shown = null;
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) =>
            {
                shown = certificate!.GetCertHashString();
                return true;
            },
        };
        using var client = new HttpClient(handler);
        using var answer = await client.GetAsync(new Uri(address, "/healthz"));
        Assert.True(answer.IsSuccessStatusCode);
        return shown;
    }
}
