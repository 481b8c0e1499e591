namespace Ota.Server.Products;

/// <summary>The pins that mean something to the server.</summary>
internal enum SystemPin
{
    /// <summary>Written by staff: the device asks at once.</summary>
    CheckNow,

    /// <summary>What came of it.</summary>
    Status,

    /// <summary>The version that was confirmed last, and when.</summary>
    Version,

    RestartCause,

    /// <summary>dBm at the last check-in.</summary>
    Rssi,
}

/// <summary>Under which numbers a product's system pins are found; all others are the user's.</summary>
public sealed record SystemPins(int CheckNow, int Status, int Version, int RestartCause, int Rssi)
{
    /// <summary>The highest number of a pin.</summary>
    public const int Highest = 255;

    /// <summary>At the far end, where few people begin to count.</summary>
    public static SystemPins Usual { get; } = new(CheckNow: 251, Status: 252, Version: 253, RestartCause: 254, Rssi: 255);

    private static readonly string[] Names = ["check-now", "status", "version", "restart-cause", "rssi"];

    /// <summary>What it is called on the wire.</summary>
    internal static string NameOf(SystemPin pin) => Names[(int)pin];

    internal static SystemPin? Named(string name) => Array.IndexOf(Names, name) is >= 0 and var index ? (SystemPin)index : null;

    internal int NumberOf(SystemPin pin) => Numbers[(int)pin];

    /// <summary>The system pin of this number; null for a user's pin.</summary>
    internal SystemPin? At(int number) => Array.IndexOf(Numbers, number) is >= 0 and var index ? (SystemPin)index : null;

    /// <summary>What is wrong with it, or null.</summary>
    public string? Fault() =>
        Numbers.Any(number => number is < 0 or > Highest) ? $"Pins are numbered 0 to {Highest}."
        : Numbers.Distinct().Count() < Numbers.Length ? "Each system pin has a number of its own."
        : null;

    /// <summary>For the audit log.</summary>
    internal string Text => string.Join(", ", Names.Zip(Numbers, (name, number) => $"{name} {number}"));

    private int[] Numbers => [CheckNow, Status, Version, RestartCause, Rssi];
}
