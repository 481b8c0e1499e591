using NuGet.Versioning;
using Ota.Images;
using Ota.Images.Formats;
using Ota.Signing;

namespace Ota.Server.Images;

/// <summary>Decides whether an image is what its statement says. Pure.</summary>
internal static class ImagePolicy
{
    // esp_app_desc_t has 32 bytes for the version, one of them the terminating zero; ESP-IDF cuts what is longer.
    private const int LongestEspVersion = 31;

    /// <summary>Compares the bytes that came with those the statement describes; null or a sentence.</summary>
    public static string? CheckBytes(ImageDescription stated, ImageDescription uploaded)
    {
        if (uploaded.Size != stated.Size)
            return $"The image has {uploaded.Size} bytes, but the statement says {stated.Size}.";
        if (uploaded.Sha256 != stated.Sha256)
            return $"The image's SHA-256 is {uploaded.Sha256}, but the statement says {stated.Sha256}.";
        // The bytes are the right ones, so what follows is a statement that contradicts itself. Devices that read only
        // these would refuse the image, or worse, ones that read only MD5 would take another.
        if (uploaded.Md5 != stated.Md5)
            return $"The image's MD5 is {uploaded.Md5}, but the statement says {stated.Md5}.";
        return uploaded.ChunkSize == stated.ChunkSize && uploaded.Chunks.SequenceEqual(stated.Chunks)
            ? null
            : "The statement's chunk digests are not the image's.";
    }

    /// <summary>
    /// Compares what the image says of itself with the statement; null or a sentence. Where an image says nothing,
    /// there is nothing to contradict. The format <c>raw</c> is how a developer says that the bytes are not for us to
    /// read.
    /// </summary>
    public static string? Check(ReleaseStatement statement, ImageFacts facts)
    {
        var stated = statement.Image.Format;
        return stated == ImageFacts.Raw
            ? null
            : FormatFault(stated, facts)
            ?? (facts.Defect is null ? null : "The image " + facts.Defect)
            ?? ChipFault(statement.Hardware, facts.Chip)
            ?? VersionFault(statement.Version, facts)
            ?? SecureVersionFault(statement.SecurityCounter, facts.SecureVersion);
    }

    private static string? FormatFault(string stated, ImageFacts facts) =>
        (stated, facts) switch
        {
            // A damaged gzip unpacks to nothing recognizable; that it is damaged says more.
            (ImageFacts.Esp8266, { Compressed: true, Format: ImageFacts.Raw, Defect: not null }) => null,
            // Only the ESP8266's updater unpacks.
            (not ImageFacts.Esp8266, { Compressed: true }) => $"The image is a gzip, but the statement says {stated}.",
            (ImageFacts.Nano, { Format: ImageFacts.Raw }) =>
                "The image is no slot image; make one of your .pe files with 'ota image pack'.",
            (_, { Format: ImageFacts.Raw }) =>
                $"The image is not an {stated} application, but the statement says {stated}.",
            _ when facts.Format != stated =>
                $"The image is built for {facts.Chip ?? facts.Format}, but the statement's format is {stated}.",
            // The agent starts slot images only.
            (ImageFacts.Nano, { Members: null, Defect: null }) =>
                "The image is a bare assembly; make a slot image of it with 'ota image pack'.",
            _ => null,
        };

    private static string? ChipFault(IReadOnlyList<string> hardware, string? chip) =>
        chip is null
            ? null
            : hardware
                .Where(name => EspChips.OfHardware(name) is { } claimed && claimed != chip)
                .Select(name => $"The image is built for {chip}, but the statement says {name}.")
                .FirstOrDefault();

    private static string? VersionFault(string stated, ImageFacts facts) =>
        facts.Version is { } version && SaysVersion(facts, stated) is { } said && !Agrees(said, version, stated)
            ? $"The image says it is version {version}, but the statement says {stated}."
            : null;

    // The version if it is one that its builder chose, else null.
    private static NuGetVersion? SaysVersion(ImageFacts facts, string stated)
    {
        // An assembly's version is the compiler's business: most are 1.0.0.0 for ever, whatever is released.
        if (facts.Format == ImageFacts.Nano || facts.Version is not { } text)
            return null;
        // With Arduino the description comes precompiled from Espressif's library builder: project
        // "arduino-lib-builder", version "esp-idf: v4.4.7 38eeba213a" or the builder's own commit.
        if (facts.Project == "arduino-lib-builder")
            return null;
        // ESP-IDF puts "1" when neither the project nor git has a version, and a bare commit ("9e627e7-dirty") when git
        // has no tag: a version has a dot. What is not a version at all ("nightly", "esp-idf: …") says nothing either.
        var number = Number(text);
        if (!number.Split('-', '+')[0].Contains('.', StringComparison.Ordinal)
            || !NuGetVersion.TryParse(number, out var version))
            return null;
        // ESPHome puts its own release here ("2024.9.2"), not the project's. A year is only compared with a year.
        return IsYear(version.Major) && !IsYear(SemanticVersion.Parse(stated).Major) ? null : version;
    }

    // Equal, or refused: "1.1.0-3-gabc1234" is three commits beyond 1.1.0, and "1.1.0-dirty" nobody knows what. A
    // device that reports what its image says would be offered such an update again for ever. Build metadata is not
    // part of a version, nor is a fourth number, for which SemVer has no place.
    private static bool Agrees(NuGetVersion said, string text, string stated)
    {
        var three = new SemanticVersion(said.Major, said.Minor, said.Patch, said.ReleaseLabels, metadata: null);
        return three == SemanticVersion.Parse(stated)
            || (text.Length == LongestEspVersion
                && stated.StartsWith(Number(text), StringComparison.OrdinalIgnoreCase));
    }

    private static string Number(string version) => version.TrimStart('v', 'V');

    private static bool IsYear(int major) => major is >= 2015 and < 2100;

    // 0 is what every build has that does not use ESP-IDF's own anti-rollback.
    private static string? SecureVersionFault(int stated, uint? said) =>
        said is > 0 && said != stated
            ? $"The image's secure version is {said}, but the statement's security counter is {stated}."
            : null;
}
