namespace Ota.Server.Settings;

/// <summary>
/// What may stand on the server's command line. Anything else is refused: a misspelt <c>--data</c> would else start a second, empty
/// server without a word.
/// </summary>
internal static class CommandLine
{
    public const string Help =
        """
        The Ota server. Usage: Ota.Server [options]

          --urls URL                  addresses to listen on, ';' between them (http://localhost:8080)
          --Certificate FILE          for https: the certificate with its chain, PEM; a renewed one is taken by itself
          --CertificateKey FILE       its key, PEM without a password
          --Proxies ADDRESSES         reverse proxies that are believed when they say who asked, ',' between them;
                                      those on this machine are
          --data FOLDER               folder of database and secrets ('data' where it is started)
          --Database CONNECTION       a PostgreSQL database in place of the file in the data folder; better by
                                      environment (OTA_Database), for it holds a password
          --MasterKeyFile FILE        the master secret where it is not master.key in the data folder; several
                                      servers on one database need the same one
          --releases FOLDER           drop folder; images in .images below it ('releases' below --data;
                                      without --data, 'releases' where it is started)
          --AzureBlobs ACCOUNT        images in Azure Blob Storage: connection string, or address with a SAS token;
                                      better by environment (OTA_AzureBlobs), for it is a secret
          --AzureContainer NAME       container of the images (ota-images)
          --ImageLinks HOW            server: images in Azure go out through this server; redirect: by short-lived
                                      links to Azure (server)
          --MaximumImageSizeMiB N     largest image taken, 1 to 4096 (64)
          --OrderLifeHours N          how long a handed-out order is good for (24)
          --RecoveriesPerHour N       recoveries and decommissions within an hour before an admin must
                                      add --yes-really (10)
          --DeviceCallsPerMinute N    calls of a device before it is answered 429; 0 for any number (120)
          --RefusedCallsPerMinute N   refused calls from an address before they are answered 429; 0 likewise (600)
          --KeyCallsPerMinute N       calls by a staff key before it is answered 429; 0 likewise (3000)
          --HttpWebhooks              webhooks may be told over plain http beyond this machine
          --Otlp URL                  an OpenTelemetry collector (OTLP over http) for metrics, traces and logs
          --OidcAuthority URL         an OpenID Connect provider by which people sign in too
          --OidcClientId ID           what this server is called there
          --OidcClientSecret SECRET   its secret there; better by environment (OTA_OidcClientSecret), or
          --OidcClientSecretFile FILE by a file
          --OidcRoles ROLES           who may sign in as what, like ota-admins=admin,everyone=viewer; * is everybody
          --OidcRoleClaim CLAIM       the claim that these are values of (groups)
          --OidcScopes SCOPES         what is asked for (openid profile email)
          --BlynkPort PORT            devices that speak Blynk's protocol, in the clear: a port, or ADDRESS:PORT
          --BlynkTlsPort PORT         the same with TLS; needs --Certificate
          --BlynkUrl URL              where such devices fetch images (where they reached this server)
          --demo                      a sample product with 25 virtual devices
          --new-admin-key             write a fresh admin key to admin.key in the data folder, and end
          --help                      this

        Each may also be set by environment (OTA_DATA, OTA_URLS, ...). Kestrel's and the log's own settings are taken as
        --Kestrel:... and --Logging:... Exit codes: 0 ended as asked, 2 a setting cannot be used.
        """;

    private static readonly string[] Valued =
    [
        "urls", "data", "Database", "MasterKeyFile", "releases", "AzureBlobs", "AzureContainer", "ImageLinks", "MaximumImageSizeMiB",
        "OrderLifeHours", "RecoveriesPerHour", "DeviceCallsPerMinute", "RefusedCallsPerMinute", "KeyCallsPerMinute", "Otlp",
        "BlynkPort", "BlynkTlsPort", "BlynkUrl",
        "Certificate", "CertificateKey", "Proxies",
        "OidcAuthority", "OidcClientId", "OidcClientSecret", "OidcClientSecretFile", "OidcRoles", "OidcRoleClaim", "OidcScopes",
        "environment", "contentRoot", "http_ports", "https_ports", "AllowedHosts",
    ];

    private static readonly string[] Flags = ["demo", "new-admin-key", "HttpWebhooks"];
    private static readonly string[] Sections = ["Kestrel:", "Logging:"];

    public static bool AsksForHelp(string[] args) => args.Any(arg => arg is "--help" or "-h" or "-?");

    /// <summary>The options as <c>--name=value</c>, a flag without a value as true.</summary>
    /// <exception cref="SettingFault">One is unknown or lacks its value.</exception>
    public static string[] Read(string[] args)
    {
        var settled = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal))
                throw new SettingFault($"'{args[i]}' is no option; --help lists them.");
            var equals = args[i].IndexOf('=');
            var name = equals < 0 ? args[i][2..] : args[i][2..equals];
            var isFlag = IsAmong(Flags, name);
            if (!isFlag && !IsAmong(Valued, name) && !Sections.Any(section => name.StartsWith(section, StringComparison.OrdinalIgnoreCase)))
                throw new SettingFault($"There is no option --{name}; --help lists them.");
            var value = equals >= 0 ? args[i][(equals + 1)..]
                : i + 1 < args.Length && !args[i + 1].StartsWith("--", StringComparison.Ordinal) ? args[++i]
                : isFlag ? "true"
                : "";
            if (string.IsNullOrWhiteSpace(value))
                throw new SettingFault($"Option --{name} needs a value.");
            settled.Add($"--{name}={value}");
        }

        return [.. settled];
    }

    private static bool IsAmong(string[] names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);
}
