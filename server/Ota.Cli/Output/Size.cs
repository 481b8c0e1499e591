using System.Globalization;

namespace Ota.Cli.Output;

/// <summary>Bytes for a person.</summary>
internal static class Size
{
    public static string Of(long? bytes) => bytes switch
    {
        null => "",
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
        < 10_000_000 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1048576.0:0.0} MiB"),
    };
}
