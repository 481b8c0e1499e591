using System.Net;

namespace Ota.Server.Settings;

/// <summary>
/// Everything that can be set, by command line (<c>--data DIR</c>), environment (<c>OTA_DATA</c>) or appsettings.json (<c>Data</c>);
/// the table in docs/operations.md lists them.
/// </summary>
internal sealed record ServerSettings
{
    private const long MostCallsPerMinute = 1_000_000;

    public const string DefaultUrl = "http://localhost:8080";

    /// <summary>The folder of database, master secret and first admin key.</summary>
    public required string Data { get; init; }

    /// <summary>Connection string of a PostgreSQL database; null for the embedded one in <see cref="Data"/>.</summary>
    public required string? Database { get; init; }

    /// <summary>The master secret's file where it is not <c>master.key</c> in <see cref="Data"/>, such as a mounted secret; null for that.</summary>
    public required string? MasterKeyFile { get; init; }

    /// <summary>The drop folder; images live below it in <c>.images</c>, unless <see cref="Blobs"/> says otherwise.</summary>
    public required string Releases { get; init; }

    /// <summary>Where images are in Azure Blob Storage; null for the folder.</summary>
    public required BlobSettings? Blobs { get; init; }

    /// <summary>Largest image that is taken, in bytes.</summary>
    public required long MaximumImageSize { get; init; }

    /// <summary>How long an order is good for once it was handed out.</summary>
    public required TimeSpan OrderLife { get; init; }

    /// <summary>Recoveries and decommissions that may be ordered in an hour without an admin's word.</summary>
    public required long RecoveriesPerHour { get; init; }

    /// <summary>Calls that a device may make in a minute; 0 for any number.</summary>
    public required long DeviceCallsPerMinute { get; init; }

    /// <summary>Calls from one address that may be refused in a minute before they are answered 429; 0 for any number.</summary>
    public required long RefusedCallsPerMinute { get; init; }

    /// <summary>Calls that may be made with one staff key in a minute; 0 for any number.</summary>
    public required long KeyCallsPerMinute { get; init; }

    /// <summary>Whether webhooks may be told over plain http beyond this machine.</summary>
    public required bool HttpWebhooks { get; init; }

    /// <summary>OTLP collector that metrics, traces and logs are sent to; null for none.</summary>
    public required Uri? Otlp { get; init; }

    /// <summary>For https and for Blynk's protocol with TLS; null for none.</summary>
    public required CertificateFiles? Certificate { get; init; }

    /// <summary>Reverse proxies that are believed when they say who asked, besides those on this machine.</summary>
    public required IReadOnlyList<IPNetwork> Proxies { get; init; }

    /// <summary>The OpenID Connect provider by which people sign in; null for passwords alone.</summary>
    public required ProviderSettings? Provider { get; init; }

    /// <summary>Where clients that speak Blynk's protocol are taken.</summary>
    public required BlynkSettings Blynk { get; init; }

    /// <summary>Whether a sample product with living devices is set up.</summary>
    public required bool Demo { get; init; }

    /// <summary>Whether only a fresh admin key is made, for who owns the data folder; the server ends then.</summary>
    public required bool NewAdminKey { get; init; }

    /// <summary>Reads and checks the settings; a fault names the setting and says what it takes.</summary>
    public static ServerSettings From(IConfiguration configuration)
    {
        var data = configuration["Data"];
        var releases = configuration["Releases"];
        return new ServerSettings
        {
            Data = Path.GetFullPath(string.IsNullOrWhiteSpace(data) ? "data" : data),
            Database = configuration["Database"] is { Length: > 0 } database ? database : null,
            MasterKeyFile = configuration["MasterKeyFile"] is { Length: > 0 } file ? Path.GetFullPath(file) : null,
            Releases = Path.GetFullPath(
                !string.IsNullOrWhiteSpace(releases) ? releases
                : string.IsNullOrWhiteSpace(data) ? "releases"
                : Path.Combine(data, "releases")),
            Blobs = BlobSettings.From(configuration),
            MaximumImageSize = Number(configuration, "MaximumImageSizeMiB", 64, 1, 4096) * 1024 * 1024,
            OrderLife = TimeSpan.FromHours(Number(configuration, "OrderLifeHours", 24, 1, 24 * 365)),
            RecoveriesPerHour = Number(configuration, "RecoveriesPerHour", 10, 1, 1_000_000),
            DeviceCallsPerMinute = Number(configuration, "DeviceCallsPerMinute", 120, 0, MostCallsPerMinute),
            RefusedCallsPerMinute = Number(configuration, "RefusedCallsPerMinute", 600, 0, MostCallsPerMinute),
            KeyCallsPerMinute = Number(configuration, "KeyCallsPerMinute", 3000, 0, MostCallsPerMinute),
            HttpWebhooks = Flag(configuration, "HttpWebhooks"),
            Otlp = Address(configuration, "Otlp"),
            Certificate = CertificateFiles.From(configuration),
            Proxies = Networks(configuration, "Proxies"),
            Provider = ProviderSettings.From(configuration),
            Blynk = BlynkSettings.From(configuration),
            Demo = Flag(configuration, "Demo"),
            NewAdminKey = Flag(configuration, "new-admin-key"),
        }.Checked();
    }

    private ServerSettings Checked() => Blynk.SecuredAddress is null || Certificate is not null
        ? this
        : throw new SettingFault("Setting BlynkTlsPort needs a certificate: give Certificate and CertificateKey.");

    private static long Number(IConfiguration configuration, string name, long usual, long least, long most)
    {
        if (configuration[name] is not { Length: > 0 } text)
            return usual;
        return long.TryParse(text, out var value) && value >= least && value <= most
            ? value
            : throw new SettingFault($"Setting {name} takes a whole number from {least} to {most}, not '{text}'.");
    }

    private static IPNetwork[] Networks(IConfiguration configuration, string name) =>
    [
        .. (configuration[name] ?? "").Split([',', ' '], StringSplitOptions.RemoveEmptyEntries).Select(text =>
            IPAddress.TryParse(text, out var one) ? new IPNetwork(one, one.GetAddressBytes().Length * 8)
            : IPNetwork.TryParse(text, out var network) ? network
            : throw new SettingFault($"Setting {name} takes addresses and networks with commas between them, like 10.0.0.5,10.1.0.0/16, not '{text}'.")),
    ];

    private static Uri? Address(IConfiguration configuration, string name) => configuration[name] switch
    {
        null or "" => null,
        var text when Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" => uri,
        _ => throw new SettingFault($"Setting {name} takes an address like http://localhost:4318."),
    };

    private static bool Flag(IConfiguration configuration, string name) => configuration[name] switch
    {
        null or "" or "false" => false,
        "true" => true,
        var text => throw new SettingFault($"Setting {name} takes true or false, not '{text}'."),
    };
}

/// <summary>A setting or the data directory is unusable; the message is for the person who starts the server.</summary>
internal sealed class SettingFault(string message) : Exception(message);
