using Ota.Cli.Output;

namespace Ota.Cli.Devices;

/// <summary>Signal strength in a word, since few people read dBm.</summary>
internal static class Wifi
{
    public static Cell Of(int? rssi) => rssi switch
    {
        null or 0 => new Cell(""),
        > -60 => new Cell($"{rssi} dBm, strong", Tone.Good),
        > -70 => new Cell($"{rssi} dBm, good", Tone.Good),
        > -80 => new Cell($"{rssi} dBm, weak", Tone.Busy),
        _ => new Cell($"{rssi} dBm, very weak", Tone.Bad),
    };
}
