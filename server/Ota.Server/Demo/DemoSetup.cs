using System.Security.Cryptography;
using System.Text;
using Ota.Server.Products;
using Ota.Server.Rollouts;
using Ota.Server.Secrets;
using Ota.Server.Settings;
using Ota.Signing;

namespace Ota.Server.Demo;

/// <summary>
/// What <c>--demo</c> brings: a product, two releases and a recovery build, signed on the spot and dropped into the drop folder as a person would, and a rollout of each release. Its
/// release key lies beside the data, which is right for nothing but a demonstration.
/// </summary>
internal sealed class DemoSetup(
    ServerSettings settings, ProductCatalog products, RolloutBoard rollouts, TimeProvider time)
{
    public const string ProductName = "demo-thermostat";
    public const string First = "1.0.0";
    public const string Second = "1.1.0";
    public const string Recovery = "9.0.0";
    private const string Who = "demo";
    private const int ImageSize = 96 * 1024;

    /// <summary>Folder of the demo's release key and of its devices' flash.</summary>
    public string Folder => Path.Combine(settings.Data, "demo");

    /// <summary>The product, made with a fresh release key when it is not there.</summary>
    public async Task<Product> ProductAsync(CancellationToken cancellation)
    {
        if (products.Find(ProductName) is { } there)
            return there;
        Directory.CreateDirectory(Folder);
        using var key = RSA.Create(ReleaseKey.Bits);
        DataDirectory.WriteSecret(KeyFile, key.ExportPkcs8PrivateKeyPem() + "\n");
        var product = new Product(
            ProductName,
            ["virtual"],
            [ReleaseKey.Of(key, out var fault) ?? throw new CryptographicException(fault)],
            PollSchedule.Parse("every 10s", out var reason) ?? throw new FormatException(reason),
            EnrollmentGeneration: 1,
            KeyCounter: 0,
            new Dictionary<int, string>(),
            time.GetUtcNow());
        await products.AddAsync(product, Who, cancellation);
        return product;
    }

    /// <summary>Builds a release, signs it and drops it, if that was not done before.</summary>
    /// <param name="kind">As in a <see cref="ReleaseStatement"/>.</param>
    public async Task DropAsync(string version, string kind, CancellationToken cancellation)
    {
        var folder = Path.Combine(settings.Releases, ProductName, version);
        var image = Path.Combine(folder, $"thermostat-{version}.bin");
        if (File.Exists(image + ".statement.jws"))
            return;
        Directory.CreateDirectory(folder);
        var bytes = Build(version);
        using var digests = new ImageDigests(bytes.Length);
        digests.Append(bytes);
        var statement = new ReleaseStatement(
            ProductName, version, kind, ["virtual"], SecurityCounter: 1, time.GetUtcNow().ToUnixTimeSeconds(),
            digests.Describe("raw"), $"Sample release {version}, made by --demo.");
        using var key = RSA.Create();
        key.ImportFromPem(await File.ReadAllTextAsync(KeyFile, cancellation));
        await File.WriteAllBytesAsync(image, bytes, cancellation);
        await File.WriteAllTextAsync(image + ".statement.jws", statement.Sign(key), cancellation);
    }

    public Task RollOutAsync(string version, CancellationToken cancellation) =>
        rollouts.StartAsync(
            new Rollout(0, ProductName, version, Hardware: null, RolloutTarget.All, Group: null, RolloutState.Active, time.GetUtcNow(), Who, Ended: null),
            images: [], cancellation);

    private string KeyFile => Path.Combine(Folder, "TEST-ONLY-demo-release-key.pem");

    // Any bytes are an image for virtual hardware; these say what they are to whoever looks.
    private static byte[] Build(string version)
    {
        var bytes = new byte[ImageSize];
        Encoding.ASCII.GetBytes($"Ota demo image, version {version}\n").CopyTo(bytes, 0);
        for (var i = 64; i < bytes.Length; i++)
            bytes[i] = (byte)(i * 31 + i / 256 + version[2]);
        return bytes;
    }
}
