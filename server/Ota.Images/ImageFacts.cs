namespace Ota.Images;

/// <summary>One assembly of several.</summary>
/// <param name="Name">Null when the assembly's name is not readable.</param>
/// <param name="Size">Bytes.</param>
public sealed record ImageMember(string? Name, string? Version, long Size);

/// <summary>What an image's own bytes say. Null: it does not say.</summary>
/// <param name="Format">
/// <c>esp32</c>, <c>esp8266</c> or <c>nano</c> when the bytes are recognized, else <c>raw</c>.
/// </param>
/// <param name="Chip">As Espressif writes it in lower case, such as <c>esp32-s3</c>.</param>
/// <param name="Project">Name of the project or assembly.</param>
/// <param name="Version">As the image has it; need not be SemVer.</param>
/// <param name="SecureVersion">ESP-IDF's anti-rollback number; 0 unless its builder set one.</param>
/// <param name="BuiltWith">Version of the SDK.</param>
/// <param name="Compressed">The bytes are a gzip of what the rest describes.</param>
/// <param name="Defect">
/// Why no device could run it, as the end of a sentence that begins with "The image": it is cut off, a checksum is
/// wrong, or it is no application. Null: nothing found.
/// </param>
/// <param name="Members">The assemblies of a slot image (docs/protocol.md §5) in load order, the entry last.</param>
/// <param name="Digest">
/// SHA-256 that an esp32 application has at its end, lower-case hex: what its chip says it runs.
/// </param>
public sealed record ImageFacts(
    string Format,
    string? Chip = null,
    string? Project = null,
    string? Version = null,
    uint? SecureVersion = null,
    string? BuiltWith = null,
    bool Compressed = false,
    string? Defect = null,
    IReadOnlyList<ImageMember>? Members = null,
    string? Digest = null)
{
    public const string Esp32 = "esp32";
    public const string Esp8266 = "esp8266";
    public const string Nano = "nano";
    public const string Raw = "raw";
}
