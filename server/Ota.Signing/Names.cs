using NuGet.Versioning;

namespace Ota.Signing;

/// <summary>What names and versions may look like; the same rule for wire, file system and URLs, so none can be a path trick.</summary>
public static class Names
{
    /// <summary>Null for a good product, hardware, group or channel name; else the end of a sentence that says what is wrong.</summary>
    public static string? Fault(string? name)
    {
        if (string.IsNullOrEmpty(name))
            return "is missing.";
        if (name.Length > 64)
            return "is longer than 64 characters.";
        if (!char.IsAsciiLetterLower(name[0]) && !char.IsAsciiDigit(name[0]))
            return $"must start with a lower-case letter or a digit: '{Shown(name)}'.";
        return name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '.' or '_' or '-')
            ? null
            : $"may hold only a-z, 0-9, '.', '_' and '-': '{Shown(name)}'.";
    }

    /// <summary>Null for a good version (SemVer 2.0 without build metadata); else the end of a sentence.</summary>
    public static string? VersionFault(string? version)
    {
        if (string.IsNullOrEmpty(version))
            return "is missing.";
        if (version.Length > 64)
            return "is longer than 64 characters.";
        if (!SemanticVersion.TryParse(version, out var parsed))
            return $"is not SemVer like 1.4.0 or 1.4.0-beta.1: '{Shown(version)}'.";
        if (parsed.HasMetadata)
            return $"must have no build metadata ('+…'): '{Shown(version)}'.";
        // One spelling a version, or 1.0.0-BETA and 1.0.0-beta could be two folders and one release.
        return parsed.ToNormalizedString() == version ? null : $"is written '{parsed.ToNormalizedString()}', not '{Shown(version)}'.";
    }

    /// <summary>True for exactly <paramref name="length"/> lower-case hex digits.</summary>
    public static bool IsHex(string? text, int length) =>
        text is not null && text.Length == length && text.All(char.IsAsciiHexDigitLower);

    // Whatever came in is shown back shortened and in printable ASCII, so it cannot forge lines in a log or a terminal.
    internal static string Shown(string text)
    {
        var clean = new string([.. text.Take(40).Select(c => c is >= ' ' and <= '~' ? c : '?')]);
        return text.Length > 40 ? clean + "…" : clean;
    }
}
