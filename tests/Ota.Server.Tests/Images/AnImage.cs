using Ota.Signing;

namespace Ota.Server.Tests.Images;

/// <summary>Bytes that are nobody's format, with their description.</summary>
internal static class AnImage
{
    public static byte[] Of(int size, int seed = 1)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static ImageDescription Describe(byte[] bytes, string format = "raw")
    {
        using var digests = new ImageDigests(bytes.Length);
        digests.Append(bytes);
        return digests.Describe(format);
    }
}

/// <summary>A folder of a test's own, removed with all that is in it.</summary>
internal sealed class TempFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("ota-images-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
