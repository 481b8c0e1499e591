using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Server.Rollouts;

/// <summary>One stage: up to which share, or number, of devices are let in while it is open.</summary>
/// <param name="UpTo">As it was written.</param>
/// <param name="Share">0 to 1; all of them for <c>rest</c>; null for a number.</param>
/// <param name="Count">Null for a share.</param>
internal sealed record Wave(string UpTo, double? Share, long? Count);

/// <summary>
/// The waves of a rollout: shares (<c>1%</c>, <c>10%</c>, <c>100%</c>), which are the thresholds of a number that each device has of its
/// own, or numbers (<c>5</c>, <c>50</c>, <c>rest</c>) of devices in the order in which they ask. Immutable.
/// </summary>
internal sealed class Waves
{
    public const int Most = 20;
    private readonly Wave[] _waves;

    private Waves(Wave[] waves) => _waves = waves;

    public static Waves Whole { get; } = new([new Wave("100%", 1, null)]);

    public int Count => _waves.Length;

    public IReadOnlyList<Wave> All => _waves;

    /// <summary>Whether the last one leaves nobody out.</summary>
    public bool IsWhole => _waves[^1].Share >= 1;

    /// <summary>
    /// Where a device stands in a rollout: a number from 0 to below 1 that nobody chose and that never changes, evenly spread, and
    /// different from rollout to rollout, so that it is not always the same devices that go first.
    /// </summary>
    public static double ShareOf(long rollout, string device)
    {
        Span<byte> told = stackalloc byte[8 + 3 * 64];
        BinaryPrimitives.WriteInt64LittleEndian(told, rollout);
        var length = Encoding.UTF8.GetBytes(device, told[8..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(told[..(8 + length)], hash);
        return (BinaryPrimitives.ReadUInt64LittleEndian(hash) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>Whether a device may begin while a wave is open. What it admits, every later one admits.</summary>
    /// <param name="wave">The open one; 0 admits nobody.</param>
    /// <param name="share">See <see cref="ShareOf"/>.</param>
    /// <param name="begun">How many have begun.</param>
    public bool Admits(int wave, double share, long begun) =>
        wave > 0 && (_waves[wave - 1] is { Count: { } most } ? begun < most : share < _waves[wave - 1].Share);

    /// <summary>How many may have begun while a wave is open; null where no number says.</summary>
    public long? MostIn(int wave) => wave > 0 ? _waves[wave - 1].Count : null;

    /// <summary>Reads waves; null and a sentence that says which one is wrong.</summary>
    public static Waves? Parse(IReadOnlyList<string?> texts, out string fault)
    {
        fault = texts.Count is 0 or > Most ? $"waves are 1 to {Most} texts like \"1%\", \"10%\", \"100%\" or \"5\", \"50\", \"rest\"." : "";
        var waves = new List<Wave>();
        for (var i = 0; i < texts.Count && fault.Length == 0; i++)
        {
            if (Read(texts[i] ?? "") is not { } wave)
                fault = $"waves[{i}] '{Shown(texts[i])}' is neither a share like 10% (0.01% to 100%), a number of devices like 50, nor rest.";
            else if (wave.UpTo == "rest" && i < texts.Count - 1)
                fault = $"waves[{i}]: rest comes last.";
            else if (waves.Count > 0 && waves[^1].Count is null != wave.Count is null && wave.UpTo != "rest")
                fault = $"waves[{i}] '{wave.UpTo}': waves are all shares or all numbers of devices.";
            else if (waves.Count > 0 && (wave.Count <= waves[^1].Count || wave.Share <= waves[^1].Share))
                fault = $"waves[{i}] '{wave.UpTo}' is not more than '{waves[^1].UpTo}' before it; each counts those before it in.";
            else
                waves.Add(wave);
        }

        return fault.Length == 0 ? new Waves([.. waves]) : null;
    }

    private static Wave? Read(string text)
    {
        if (text == "rest")
            return new Wave(text, 1, null);
        if (text.EndsWith('%'))
        {
            return decimal.TryParse(text.AsSpan(..^1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
                && percent is >= 0.01m and <= 100
                ? new Wave(text, (double)percent / 100, null)
                : null;
        }

        return text.Length <= 9 && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count > 0
            ? new Wave(text, null, count)
            : null;
    }

    private static string Shown(string? text) => Filters.FilterTokens.Shown(text ?? "null");
}
