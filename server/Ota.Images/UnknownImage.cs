namespace Ota.Images;

/// <summary>What bytes look like that <see cref="ImageInspector"/> takes for <c>raw</c>: the files that people mistake for an image.</summary>
public static class UnknownImage
{
    private const int BootloaderOffset = 0x1000;
    private const byte EspMagic = 0xE9;

    /// <summary>What it looks like and what to give instead, as the end of a sentence that begins with the file's name; null when nobody knows.</summary>
    /// <param name="image">Read from where it stands.</param>
    public static string? Guess(Stream image)
    {
        var head = new byte[BootloaderOffset + 1];
        var read = image.ReadAtLeast(head, head.Length, throwOnEndOfStream: false);
        return Guess(head.AsSpan(0, read));
    }

    private static string? Guess(ReadOnlySpan<byte> head) => head switch
    {
        [0x7F, (byte)'E', (byte)'L', (byte)'F', ..] => "is an ELF file, what the linker makes; give the .bin that the build makes of it.",
        [0xFF, ..] when head.Length > BootloaderOffset && head[BootloaderOffset] == EspMagic
            && head[..BootloaderOffset].IndexOfAnyExcept((byte)0xFF) < 0 =>
            "is a whole flash from its start, bootloader and all; give only the application.",
        [0xFF, 0xFF, 0xFF, 0xFF, ..] => "begins with blank flash (0xFF), as a merged flash image does; give only the application.",
        [0xAA, 0x50, ..] => "is a partition table; give the application.",
        [(byte)'U', (byte)'F', (byte)'2', (byte)'\n', ..] => "is a UF2 file; give the .bin of the build.",
        [(byte)':', (>= (byte)'0' and <= (byte)'9') or (>= (byte)'A' and <= (byte)'F'), ..] => "is an Intel HEX file; give the .bin of the build.",
        [(byte)'M', (byte)'Z', ..] => "is a .dll or .exe; for nanoFramework give the .pe files to 'ota image pack'.",
        [(byte)'P', (byte)'K', 3, 4, ..] => "is a ZIP file; give the .bin in it.",
        _ => null,
    };
}
