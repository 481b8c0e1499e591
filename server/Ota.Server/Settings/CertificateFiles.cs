namespace Ota.Server.Settings;

/// <summary>The server's certificate with its chain, and its key without a password: two PEM files.</summary>
internal sealed record CertificateFiles(string Certificate, string Key)
{
    public static CertificateFiles? From(IConfiguration configuration) => (configuration["Certificate"], configuration["CertificateKey"]) switch
    {
        (null or "", null or "") => null,
        ({ Length: > 0 } certificate, { Length: > 0 } key) => new CertificateFiles(Path.GetFullPath(certificate), Path.GetFullPath(key)),
        _ => throw new SettingFault("Settings Certificate and CertificateKey go together: give both or none."),
    };
}
