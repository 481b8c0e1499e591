using System.Diagnostics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Ota.EndToEnd.Tests.Dialects;

/// <summary>A developer of devices with SWUpdate: its signer, whose certificate the devices have, and the files that it makes.</summary>
/// <param name="folder">Of its own; openssl works there.</param>
internal sealed class ASwuFile(string folder) : IDisposable
{
    private const string EmailProtection = "1.3.6.1.5.5.7.3.4";
    private readonly RSA _key = RSA.Create(2048);
    private string? _certificate;

    /// <summary>What a device is to have; PEM.</summary>
    public string Certificate => _certificate ??= SelfSigned();

    /// <summary>A signed archive that puts one file into a folder.</summary>
    public byte[] Build(string version, string path, string content)
    {
        var payload = Encoding.ASCII.GetBytes(content);
        var description = Encoding.ASCII.GetBytes(
            $"software = {{ version = \"{version}\"; hardware-compatibility: [ \"#RE:.*\" ];\n"
            + $"  files: ( {{ filename = \"payload\"; path = \"{path}\"; sha256 = \"{Convert.ToHexStringLower(SHA256.HashData(payload))}\"; }} ); }}\n");
        using var archive = new MemoryStream();
        Add(archive, "sw-description", description);
        Add(archive, "sw-description.sig", Signed(description));
        Add(archive, "payload", payload);
        Add(archive, "TRAILER!!!", []);
        archive.Write(new byte[(512 - archive.Length % 512) % 512]);
        return archive.ToArray();
    }

    public void Dispose() => _key.Dispose();

    private string SelfSigned()
    {
        var request = new CertificateRequest("CN=test of SWUpdate", _key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(EmailProtection)], critical: false));
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        return certificate.ExportCertificatePem();
    }

    // CMS (RFC 5652), detached, which no package of this repository writes.
    private byte[] Signed(byte[] description)
    {
        Directory.CreateDirectory(folder);
        string At(string name) => Path.Combine(folder, name);
        File.WriteAllText(At("signer.pem"), Certificate);
        File.WriteAllText(At("key.pem"), _key.ExportPkcs8PrivateKeyPem());
        File.WriteAllBytes(At("description"), description);
        using var openssl = Process.Start(new ProcessStartInfo("openssl",
            ["cms", "-sign", "-in", At("description"), "-out", At("signature"), "-signer", At("signer.pem"), "-inkey", At("key.pem"),
                "-outform", "DER", "-nosmimecap", "-binary"]))!;
        openssl.WaitForExit();
        Assert.Equal(0, openssl.ExitCode);
        return File.ReadAllBytes(At("signature"));
    }

    // cpio's "new ASCII" format with checksums: thirteen numbers of eight hex digits, name and bytes each filled up to four.
    private static void Add(MemoryStream archive, string name, byte[] bytes)
    {
        var sum = (uint)bytes.Sum(value => value);
        uint[] numbers = [(uint)archive.Length + 1, 0x81A4, 0, 0, 1, 0, (uint)bytes.Length, 0, 0, 0, 0, (uint)name.Length + 1, sum];
        archive.Write(Encoding.ASCII.GetBytes("070702" + string.Concat(numbers.Select(number => number.ToString("X8"))) + name + "\0"));
        Fill(archive);
        archive.Write(bytes);
        Fill(archive);
    }

    private static void Fill(MemoryStream archive) => archive.Write(new byte[(4 - archive.Length % 4) % 4]);
}
