using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.Secrets;

/// <summary>The one secret of the server; every device's secrets are derived from it and none is stored (docs/protocol.md §2).</summary>
internal sealed class MasterSecret(byte[] master)
{
    private readonly byte[] _imageLinkKey = HMACSHA256.HashData(master, "image"u8);

    /// <summary>Tells one master secret from another without revealing it.</summary>
    public string Fingerprint { get; } = Convert.ToHexStringLower(HMACSHA256.HashData(master, "fingerprint"u8)[..8]);

    public byte[] Token(string device, long generation) => Derive("token", device, generation);

    public byte[] OrderKey(string device, long generation) => Derive("order", device, generation);

    /// <summary>Good for the device's pins and for nothing else.</summary>
    public byte[] PinToken(string device, long generation) => Derive("pin", device, generation);

    /// <summary>What a client that speaks Blynk shows (<see cref="Devices.BlynkToken"/>); good for the device's pins and for nothing else.</summary>
    public byte[] BlynkSecret(string device, long generation) => Derive("blynk", device, generation);
    /// <summary>What a client that was not written for this server shows, in its address or as password.</summary>
    public byte[] DialectToken(string device, long generation) => Derive("dialect", device, generation);

    /// <summary>What the tokens are made with that Mender's client gets for its signature.</summary>
    public byte[] SessionKey(string device, long generation) => Derive("dialect-session", device, generation);

    /// <summary>The signature of a link by which one device may fetch one image without a token until <paramref name="expires"/> (Unix seconds).</summary>
    public string DownloadSignature(string device, long generation, string sha256, long expires) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(Derive("dialect-download", device, generation), Encoding.ASCII.GetBytes($"{sha256}\0{expires}")));

    /// <summary>What enrolls such clients, where a product allows it; known to all of them.</summary>
    public string DialectKey(string product, long generation) => Base64Url.EncodeToString(Derive("dialect-enroll", product, generation));

    public string EnrollmentKey(string product, long generation) => Base64Url.EncodeToString(Derive("enroll", product, generation));

    /// <summary>What deliveries to a webhook are signed with.</summary>
    public byte[] WebhookSecret(string webhook) => Derive("webhook", webhook, generation: 1);

    /// <summary>What the password on a unit's label is made of; known before the unit enrolls, so by what the hardware calls itself, in
    /// its plain spelling.</summary>
    public byte[] RescueSecret(string product, string hardwareId) => Derive("rescue", product + "\0" + hardwareId, generation: 1);

    /// <summary>Seals what is kept for the web in the database: the keys of cookies, and what makes a person's codes.</summary>
    public byte[] WebKey(string use) => Derive("web", use, generation: 1);

    /// <summary>Seals a device's token of a Blynk cloud in the database.</summary>
    public byte[] BlynkCloudKey(string device) => Derive("blynk-cloud", device, generation: 1);

    /// <summary>Seals the Wi-Fi password of a site in the database.</summary>
    public byte[] SiteKey(string site) => Derive("site", site, generation: 1);

    /// <summary>The signature of a link to one image that works without a token until <paramref name="expires"/> (Unix seconds).</summary>
    public string ImageSignature(string sha256, long expires) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(_imageLinkKey, Encoding.ASCII.GetBytes($"{sha256}\0{expires}")));

    /// <summary>True when <paramref name="given"/> (base64url) is this token; constant time.</summary>
    public static bool IsToken(ReadOnlySpan<char> given, ReadOnlySpan<byte> token)
    {
        Span<byte> bytes = stackalloc byte[33];
        return given.Length == 43
            && Base64Url.DecodeFromChars(given, bytes, out _, out var written) == System.Buffers.OperationStatus.Done
            && CryptographicOperations.FixedTimeEquals(bytes[..written], token);
    }

    /// <summary>Compares two texts without telling by time where they differ.</summary>
    public static bool Same(string left, string right) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(left), Encoding.UTF8.GetBytes(right));

    private byte[] Derive(string use, string name, long generation)
    {
        var derived = new byte[32];
        Derive(use, name, generation, derived);
        return derived;
    }

    private void Derive(string use, string name, long generation, Span<byte> derived)
    {
        // use | name | generation with 0x00 between; none of them can hold one.
        Span<byte> input = stackalloc byte[256];
        var length = Encoding.UTF8.GetBytes(use, input);
        input[length++] = 0;
        length += Encoding.UTF8.GetBytes(name, input[length..]);
        input[length++] = 0;
        generation.TryFormat(input[length..], out var digits);
        HMACSHA256.HashData(master, input[..(length + digits)], derived);
    }
}
