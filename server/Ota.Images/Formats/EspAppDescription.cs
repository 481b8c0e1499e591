using System.Buffers.Binary;
using System.Text;

namespace Ota.Images.Formats;

/// <summary>
/// esp_app_desc_t, which ESP-IDF puts first into an application's first segment
/// (components/esp_app_format/include/esp_app_desc.h).
/// </summary>
internal sealed record EspAppDescription(string? Version, string? Project, uint SecureVersion, string? Sdk)
{
    /// <summary>Bytes of the structure.</summary>
    public const int Size = 256;

    private const uint Magic = 0xABCD5432;
    private const byte BootloaderMagic = 80;

    /// <summary>Null when there is none: it is older than ESP-IDF 3.3, or no ESP-IDF build.</summary>
    public static EspAppDescription? Read(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= Size && BinaryPrimitives.ReadUInt32LittleEndian(bytes) == Magic
            ? new EspAppDescription(
                Version: Text(bytes.Slice(16, 32)),
                Project: Text(bytes.Slice(48, 32)),
                SecureVersion: BinaryPrimitives.ReadUInt32LittleEndian(bytes[4..]),
                Sdk: Text(bytes.Slice(112, 32)))
            : null;

    /// <summary>
    /// True for esp_bootloader_desc_t, which stands in the same place. Its magic is a single byte, so the SDK's version
    /// behind it must look like text too.
    /// </summary>
    public static bool IsBootloader(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= 80 && bytes[0] == BootloaderMagic && bytes[1] == 0 && bytes[2] == 0
        && bytes.Slice(8, 32).IndexOf((byte)0) is > 0 and var length
        && bytes.Slice(8, length).IndexOfAnyExceptInRange((byte)' ', (byte)'~') < 0;

    private static string? Text(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        var text = end < 0 ? field : field[..end];
        // Shown to people and kept: nothing in it may steer a terminal or a log.
        Span<byte> clean = stackalloc byte[text.Length];
        for (var i = 0; i < text.Length; i++)
            clean[i] = text[i] is >= (byte)' ' and <= (byte)'~' ? text[i] : (byte)'?';
        var shown = Encoding.ASCII.GetString(clean).Trim();
        return shown.Length == 0 ? null : shown;
    }
}
