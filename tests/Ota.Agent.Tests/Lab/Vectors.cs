using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text.Json;

namespace Ota.Agent.Tests.Lab;

/// <summary>The golden files under tests/vectors, shared with the server's tests.</summary>
internal static class Vectors
{
    private static readonly JsonElement Secrets = JsonDocument.Parse(Text("secrets.json")).RootElement;

    public static Identity Identity { get; } = new()
    {
        Device = Secret("device"),
        Token = Secret("token"),
        OrderKey = Base64Url.Decode(Secret("orderKey")),
    };

    public static RSA ReleaseKey { get; } = Key("TEST-ONLY-release-key.pem");

    public static RSA NextKey { get; } = Key("TEST-ONLY-next-release-key.pem");

    public static RSA StrangerKey { get; } = Key("TEST-ONLY-stranger-key.pem");

    public static string Secret(string name) => Secrets.GetProperty(name).GetString()!;

    public static string Text(string name) => File.ReadAllText(Path.Combine(Folder(), name));

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(Folder(), name));

    public static byte[] Modulus(RSA key) => key.ExportParameters(includePrivateParameters: false).Modulus!;

    /// <summary>A file anywhere in the repository, by its path from the root.</summary>
    public static string Repository(string path) => Path.Combine(Folder(), "..", "..", path);

    private static RSA Key(string name)
    {
        var rsa = RSA.Create();
        rsa.ImportFromPem(Text(name));
        return rsa;
    }

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "vectors");
}
