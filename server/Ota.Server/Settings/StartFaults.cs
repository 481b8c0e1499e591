using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.Data.Sqlite;
using Ota.Server.Images;

namespace Ota.Server.Settings;

/// <summary>What keeps a server from starting, told to the person who starts it: the setting, and what to do.</summary>
internal static class StartFaults
{
    private const int SqliteCorrupt = 11;
    private const int SqliteFull = 13;
    private const int SqliteNotADatabase = 26;

    /// <summary>The database, or a file beside it, cannot be used.</summary>
    public static SettingFault OfDatabase(SqliteException fault, string database) => new(fault.SqliteErrorCode switch
    {
        SqliteCorrupt or SqliteNotADatabase =>
            $"The database {database} is damaged ({fault.Message.TrimEnd('.')}). "
            + "Restore ota.db from a backup; server/docs/operations.md says how one is made.",
        SqliteFull => $"The disk that holds the database {database} is full. Free some space, then start again.",
        _ => $"The database {database} cannot be used: {fault.Message.TrimEnd('.')}. Check that this user may write it and its folder.",
    });

    /// <summary>
    /// The PostgreSQL database that the settings name cannot be used. The connection string holds a password and nothing of it is repeated: what
    /// follows a semicolon in an unquoted one would be told as an unknown keyword.
    /// </summary>
    public static SettingFault OfPostgreSql(Exception fault) => new(fault is ArgumentException
        ? "Setting Database is no connection string. It looks like Host=db;Database=ota;Username=ota;Password=…; a value that holds a semicolon stands in quotes."
        : $"The database that setting Database names cannot be used: {(fault.InnerException ?? fault).Message.TrimEnd('.')}. "
            + "Check that it runs, that this user may create tables in it, and that it is PostgreSQL 13 or later.");

    /// <summary>The image storage cannot be used.</summary>
    public static SettingFault OfBlobs(StorageUnavailableException fault, BlobSettings blobs) => new(
        $"Setting AzureBlobs: the container {blobs} cannot be used: {fault.Reason}. "
        + "Check the account, its key or SAS token (read, write, delete and list), and that it can be reached from here.");

    /// <summary>An address is https and there is no certificate for it; null when there is one, or Kestrel's own settings say more.</summary>
    public static SettingFault? OfCertificate(ServerSettings settings, IConfiguration configuration) =>
        settings.Certificate is null && configuration["urls"] is { Length: > 0 } urls
        && urls.Split(';', StringSplitOptions.TrimEntries).Any(url => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
        && !configuration.GetSection("Kestrel").Exists() && !HasDeveloperCertificate()
            ? WithoutCertificate($"Setting urls '{urls}'")
            : null;

    private static SettingFault WithoutCertificate(string setting) => new(
        $"{setting}: https needs a certificate. Give --Certificate and --CertificateKey, or listen on http behind a reverse proxy.");

    // The one of 'dotnet dev-certs https', which Kestrel takes where there is no other.
    private static bool HasDeveloperCertificate()
    {
        using var store = new X509Store(StoreName.My, StoreLocation.CurrentUser);
        try
        {
            store.Open(OpenFlags.ReadOnly);
        }
        catch (CryptographicException)
        {
            return false;
        }

        return store.Certificates.Any(certificate => certificate.Extensions.Any(extension => extension.Oid?.Value == "1.3.6.1.4.1.311.84.1.1"));
    }

    /// <summary>The address cannot be listened on.</summary>
    public static SettingFault OfListening(Exception fault, IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").Exists();
        var urls = configuration["urls"] is { Length: > 0 } given ? given : ServerSettings.DefaultUrl;
        var setting = endpoints ? "Setting Kestrel:Endpoints" : $"Setting urls '{urls}'";
        var reason = fault.Message.Split('\n')[0].Trim().TrimEnd('.');
        if (fault is InvalidOperationException && reason.Contains("certificate", StringComparison.OrdinalIgnoreCase))
            return WithoutCertificate(setting);
        return new SettingFault(fault switch
        {
            { InnerException: AddressInUseException } =>
                $"{setting}: something listens there already. Stop it, or choose another address with --urls.",
            _ => $"{setting} cannot be listened on: {reason}. An address looks like {ServerSettings.DefaultUrl} or http://*:8080.",
        });
    }
}
