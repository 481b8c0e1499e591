using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Ota.Benchmarks;

/// <summary>Where the server listens for Blynk's protocol, and what it is to be started with for that.</summary>
/// <param name="Certificate">SHA-256 of its certificate, hex.</param>
internal sealed record BlynkPorts(int Plain, int Secure, string Certificate, string[] Arguments)
{
    /// <param name="folder">Where its certificate is put.</param>
    public static async Task<BlynkPorts> NewAsync(string folder)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var (chain, privateKey) = (Path.Combine(folder, "certificate.pem"), Path.Combine(folder, "certificate-key.pem"));
        await File.WriteAllTextAsync(chain, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(privateKey, key.ExportPkcs8PrivateKeyPem());
        var (plain, secure) = (Child.FreePort(), Child.FreePort());
        return new BlynkPorts(plain, secure, certificate.GetCertHashString(HashAlgorithmName.SHA256), [
            "--BlynkPort", $"127.0.0.1:{plain}", "--BlynkTlsPort", $"127.0.0.1:{secure}", "--Certificate", chain, "--CertificateKey", privateKey]);
    }
}
