using Ota.Server.Products;

namespace Ota.Server.Devices;

/// <summary>How a kind of clients speaks that was not written for this server (docs/dialects.md).</summary>
/// <param name="Name">The first segment of its paths, and its name for people.</param>
/// <param name="Protection">What its clients check unless more is known of one.</param>
/// <param name="Family">Hardware whose name begins so speaks it; null for any.</param>
/// <param name="Path">What follows its name and the credential in a client's address.</param>
internal sealed record ClientDialect(string Name, Protection Protection, string? Family, string Path = "")
{
    public static readonly ClientDialect Esp8266 = new("esp8266", Protection.Md5, "esp8266");
    public static readonly ClientDialect Esp32 = new("esp32", Protection.Md5, "esp32");
    public static readonly ClientDialect EspHome = new("esphome", Protection.Md5, "esp", "/manifest.json");
    public static readonly ClientDialect EspIdf = new("esp-idf", Protection.None, "esp32") { Resumes = true };
    public static readonly ClientDialect Tasmota = new("tasmota", Protection.Md5, "esp", "/tasmota.bin");
    public static readonly ClientDialect Hawkbit = new("hawkbit", Protection.Md5, Family: null)
    {
        Resumes = true, Reports = true, TellsWhen = true, Address = device => $"/hawkbit/{device.Product}/controller/v1/{device.HardwareId}",
    };

    public static readonly ClientDialect Mender = new("mender", Protection.Md5, Family: null)
    {
        Resumes = true, Reports = true, Address = _ => "/",
    };

    public static readonly ClientDialect Blynk = new("blynk", Protection.Md5, Family: null);

    private static readonly ClientDialect[] Known = [Esp8266, Esp32, EspHome, EspIdf, Tasmota, Hawkbit, Mender, Blynk];

    /// <summary>Whether a download that was cut goes on where it was.</summary>
    public bool Resumes { get; init; }

    /// <summary>Whether its clients are told when to ask again; others ask when they like, and are expected by their product's poll.</summary>
    public bool TellsWhen { get; init; }

    /// <summary>
    /// Whether its clients know which image they fetch, check all of it, in whatever order its parts came, and tell how its installation goes.
    /// </summary>
    public bool Reports { get; init; }

    /// <summary>A device's address, where its secret is shown in a header or a body; null where the address holds it.</summary>
    public Func<Device, string>? Address { get; init; }

    /// <summary>The address on this server that a device's client is to ask.</summary>
    public string AddressOf(Device device, string token) => Address?.Invoke(device) ?? $"/{Name}/{device.Id}.{token}{Path}";

    /// <summary>Every name.</summary>
    public static string All { get; } = string.Join(", ", Known.Select(dialect => dialect.Name));

    public static ClientDialect? Find(string? name) => Array.Find(Known, dialect => dialect.Name == name);
}

/// <summary>That a device is a client which was not written for this server.</summary>
internal sealed record ForeignClient(ClientDialect Dialect, Protection Protection);
