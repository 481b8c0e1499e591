#:project ../../server/Ota.Signing
#:project ../../server/Ota.Images
#:property PublishAot=false
#:property TreatWarningsAsErrors=false

// Makes the golden files anew: dotnet run tests/vectors/make.cs -- tests/vectors
// The keys are kept when they are there, so that only what changed in the protocol changes in the files.
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ota.Images.Formats;
using Ota.Signing;

var folder = args.Length > 0 ? args[0] : "tests/vectors";
var release = Key("TEST-ONLY-release-key");
var next = Key("TEST-ONLY-next-release-key");
var stranger = Key("TEST-ONLY-stranger-key");
const string Device = "k7m2q9x4td3w";
var master = Enumerable.Range(0, 32).Select(i => (byte)i).ToArray();
var token = Derive("token", Device);
var orderKey = Derive("order", Device);

// 10,000 bytes: two whole chunks and a short one.
var image = new byte[10_000];
for (var i = 0; i < image.Length; i++)
    image[i] = (byte)(i * 31 + i / 256);
File.WriteAllBytes(Path.Combine(folder, "image.bin"), image);
using var digests = new ImageDigests(image.Length);
digests.Append(image);
var described = digests.Describe("raw");

var statement = new ReleaseStatement("thermostat", "1.1.0", "application", ["virtual", "esp32"], 3, 1767225600, described, "Golden.");
var recovery = statement with { Version = "1.0.0", Kind = "recovery", Notes = null };
var keys = KeyStatement.Of("thermostat", 1, 1767225600, [ReleaseKey.Of(next, out _)!]);
Write("release.jws", statement.Sign(release));
Write("recovery.jws", recovery.Sign(release));
Write("release-by-stranger.jws", statement.Sign(stranger));
Write("release-other-product.jws", (statement with { Product = "kettle" }).Sign(release));
Write("release-other-hardware.jws", (statement with { Hardware = ["esp8266"] }).Sign(release));
Write("release-lower-counter.jws", (statement with { SecurityCounter = 2 }).Sign(release));
Write("keys.jws", keys.Sign(release));
Write("keys-by-stranger.jws", keys.Sign(stranger));
Write("order-install.jws", Order("install", 7, Jws.HashOf(statement.Sign(release)), Device));
Write("order-recover.jws", Order("recover", 8, Jws.HashOf(recovery.Sign(release)), Device));
Write("order-decommission.jws", Order("decommission", 9, null, Device));
Write("order-rotate.jws", Order("rotate", 10, Jws.HashOf(keys.Sign(release)), Device));
Write("order-other-device.jws", Order("install", 7, Jws.HashOf(statement.Sign(release)), "zzzzzzzzzzzz"));

Write("wifi-bundle.jws", Bundle(11, Device, """{"ssid":"Küche 5G","password":"correct horse battery","owner":"anna"}"""));
Write("wifi-bundle-other-device.jws", Bundle(11, "zzzzzzzzzzzz", """{"ssid":"home"}"""));
Write("wifi-bundle-long-ssid.jws", Bundle(11, Device, """{"ssid":"thirty-three bytes are one too many"}"""));

var library = Assembly("Kitchen.Sensors", 700);
var entry = Assembly("Kitchen.Thermostat", 1500);
File.WriteAllBytes(Path.Combine(folder, "library.pe"), library);
File.WriteAllBytes(Path.Combine(folder, "entry.pe"), entry);
File.WriteAllBytes(Path.Combine(folder, "slot-image.bin"), NanoContainer.Pack([library, entry]));

File.WriteAllText(Path.Combine(folder, "secrets.json"), JsonSerializer.Serialize(new
{
    note = "TEST ONLY. Derived from the master secret 000102…1f; never used outside the tests.",
    master = Convert.ToHexStringLower(master),
    device = Device,
    generation = 1,
    token = Base64Url.EncodeToString(token),
    orderKey = Base64Url.EncodeToString(orderKey),
    enrollmentKey = Base64Url.EncodeToString(Derive("enroll", "thermostat")),
    imageLinkKey = Base64Url.EncodeToString(HMACSHA256.HashData(master, "image"u8)),
}, new JsonSerializerOptions { WriteIndented = true }) + "\n");

byte[] Derive(string use, string name) =>
    HMACSHA256.HashData(master, Encoding.UTF8.GetBytes(use + "\0" + name + "\0" + "1"));

string Order(string action, long number, string? hash, string device)
{
    var payload = new Dictionary<string, object> { ["device"] = device, ["number"] = number, ["action"] = action, ["deployment"] = "51" };
    if (hash is not null)
        payload["release"] = hash;
    payload["issued"] = 1767225600L;
    payload["expires"] = 1767312000L;
    return Jws.SignHs256(JwsKind.Order, JsonSerializer.SerializeToUtf8Bytes(payload), orderKey);
}

// HMAC-SHA256 in counter mode, docs/protocol.md §6.
string Bundle(long number, string device, string content)
{
    var text = Encoding.UTF8.GetBytes(content);
    var nonce = Enumerable.Range(1, 12).Select(i => (byte)i).ToArray();
    var key = HMACSHA256.HashData(orderKey, Encoding.ASCII.GetBytes($"ota-wifi-v1\0{number}"));
    var stream = Enumerable.Range(0, (text.Length + 31) / 32).SelectMany(i => HMACSHA256.HashData(key, (byte[])[.. nonce, (byte)i]));
    var payload = new Dictionary<string, object>
    {
        ["device"] = device,
        ["number"] = number,
        ["issued"] = 1767225600L,
        ["expires"] = 1767312000L,
        ["nonce"] = Base64Url.EncodeToString(nonce),
        ["sealed"] = Base64Url.EncodeToString(text.Zip(stream, (a, b) => (byte)(a ^ b)).ToArray()),
    };
    return Jws.SignHs256(JwsKind.Wifi, JsonSerializer.SerializeToUtf8Bytes(payload), orderKey);
}

RSA Key(string name)
{
    var path = Path.Combine(folder, name + ".pem");
    var rsa = RSA.Create(3072);
    if (File.Exists(path))
        rsa.ImportFromPem(File.ReadAllText(path));
    else
        File.WriteAllText(path, rsa.ExportPkcs8PrivateKeyPem() + "\n");
    File.WriteAllText(Path.Combine(folder, name + ".pub.pem"), rsa.ExportSubjectPublicKeyInfoPem() + "\n");
    return rsa;
}

// Header, tables and CRCs as nf-interpreter's CLR_RECORD_ASSEMBLY has them (NFMRK1); the tables' content is none.
byte[] Assembly(string name, int body)
{
    const int Header = 124;
    var strings = Encoding.ASCII.GetBytes("Program\0" + name + "\0");
    var pe = new byte[(Header + body + strings.Length + 3) / 4 * 4];
    "NFMRK1"u8.CopyTo(pe);
    for (var i = 0; i < body; i++)
        pe[Header + i] = (byte)(i * 7);
    strings.CopyTo(pe, Header + body);
    BinaryPrimitives.WriteUInt16LittleEndian(pe.AsSpan(28), 1);
    BinaryPrimitives.WriteUInt16LittleEndian(pe.AsSpan(36), 8);
    BinaryPrimitives.WriteUInt32LittleEndian(pe.AsSpan(84), (uint)(Header + body));
    BinaryPrimitives.WriteUInt32LittleEndian(pe.AsSpan(100), (uint)pe.Length);
    BinaryPrimitives.WriteUInt32LittleEndian(pe.AsSpan(12), Crc(pe.AsSpan(Header)));
    BinaryPrimitives.WriteUInt32LittleEndian(pe.AsSpan(8), Crc(pe.AsSpan(0, Header)));
    return pe;
}

uint Crc(ReadOnlySpan<byte> bytes)
{
    var crc = 0u;
    foreach (var b in bytes)
    {
        crc ^= (uint)b << 24;
        for (var bit = 0; bit < 8; bit++)
            crc = (crc << 1) ^ ((crc >> 31) * 0x04C11DB7);
    }

    return crc;
}

void Write(string name, string text) => File.WriteAllText(Path.Combine(folder, name), text);
