using System.Globalization;
using Ota.Cli.Output;

namespace Ota.Cli.Pins;

/// <summary>A pin's last value.</summary>
/// <param name="System">What the pin means to the server; null for a user's.</param>
/// <param name="Listens">Whether the unit would hear of a write to check-now at once; null in any other answer, and where the server cannot tell.</param>
/// <param name="By">The name on the staff key that wrote it; null when it was the device or the server.</param>
internal sealed record Pin(
    [property: System.Text.Json.Serialization.JsonPropertyName("pin")] int Number, string? System, string Value, long Seq, DateTimeOffset? At, string? Source, string? By,
    bool? Listens)
{
    /// <summary>What people call it.</summary>
    public string Name => System ?? Number.ToString(CultureInfo.InvariantCulture);

    public string Who => By ?? Source ?? "";

    /// <summary>Its value with control characters as in a program's text: several values of one write have one between them.</summary>
    public string Written => string.Concat(Value.Select(c => c switch
    {
        '\n' => @"\n",
        '\r' => @"\r",
        '\t' => @"\t",
        _ when char.IsControl(c) => string.Create(CultureInfo.InvariantCulture, $@"\x{(int)c:x2}"),
        _ => c.ToString(),
    }));

    public Cell Shown => new(Written, System is null ? Tone.Strong : Tone.Plain);
}

/// <param name="Seq">What to ask after next.</param>
internal sealed record PinList(long Seq, IReadOnlyList<Pin> Pins);

/// <param name="Value">Null for a pin of which only matters that it is written.</param>
internal sealed record PinChange(string? Value);

/// <param name="Token">Good for this device's pins and for nothing else.</param>
internal sealed record PinToken(string Device, string Token);
