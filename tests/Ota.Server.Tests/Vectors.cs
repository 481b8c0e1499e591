using System.Runtime.CompilerServices;
using Ota.Signing;

namespace Ota.Server.Tests;

/// <summary>The golden files under tests/vectors, shared with the agent's tests.</summary>
internal static class Vectors
{
    public static string Text(string name) => File.ReadAllText(Path.Combine(Folder(), name));

    public static byte[] Bytes(string name) => File.ReadAllBytes(Path.Combine(Folder(), name));

    public static ReleaseKey Key(string name) =>
        ReleaseKey.FromPem(Text(name), out var reason) ?? throw new InvalidDataException(reason);

    /// <summary>A file anywhere in the repository, by its path from the root.</summary>
    public static string Repository(string path) => Path.Combine(Folder(), "..", "..", path);

    private static string Folder([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "vectors");
}
