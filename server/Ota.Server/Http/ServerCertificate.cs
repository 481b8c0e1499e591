using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Ota.Server.Settings;

namespace Ota.Server.Http;

/// <summary>The server's certificate, read again when its file was renewed, so that nobody must start the server every few weeks.</summary>
internal sealed partial class ServerCertificate : IDisposable
{
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(1);
    private readonly CertificateFiles _files;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private SslServerAuthenticationOptions _options;
    private DateTime _written;
    private DateTimeOffset _looked;

    /// <exception cref="SettingFault">They cannot be used.</exception>
    public ServerCertificate(CertificateFiles files, TimeProvider time, ILogger<ServerCertificate> logger)
    {
        (_files, _time, _logger) = (files, time, logger);
        (_written, _looked) = (File.GetLastWriteTimeUtc(files.Certificate), time.GetUtcNow());
        try
        {
            _options = Read();
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new SettingFault(
                $"Settings Certificate and CertificateKey: {fault.Message.TrimEnd('.')}. They name two PEM files, "
                + "the certificate with its chain and its key without a password.");
        }
    }

    /// <summary>For the next client.</summary>
    public SslServerAuthenticationOptions Options
    {
        get
        {
            lock (_lock)
            {
                if ((_time.GetUtcNow() - _looked).Duration() >= Look)
                    LookAgain();
                return _options;
            }
        }
    }

    public void Dispose() => _options.ServerCertificateContext?.TargetCertificate.Dispose();

    private void LookAgain()
    {
        _looked = _time.GetUtcNow();
        var written = File.GetLastWriteTimeUtc(_files.Certificate);
        if (written == _written)
            return;
        try
        {
            // What it replaces may be in use by a handshake still.
            _options = Read();
            _written = written;
        }
        catch (Exception fault) when (fault is CryptographicException or IOException or UnauthorizedAccessException)
        {
            // Perhaps only one of the two files was replaced so far.
            Log.NotRead(_logger, fault.Message);
        }
    }

    private SslServerAuthenticationOptions Read()
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(_files.Certificate);
        var certificate = X509Certificate2.CreateFromPemFile(_files.Certificate, _files.Key);
        return new SslServerAuthenticationOptions { ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true) };
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The renewed certificate cannot be read ({Reason}); the one before is used.")]
        public static partial void NotRead(ILogger logger, string reason);
    }
}
