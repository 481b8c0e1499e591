using System.Globalization;

namespace Ota.Cli.Output;

/// <summary>How much of something is done: a bar on a terminal, a percentage everywhere.</summary>
internal static class Bar
{
    private const int Width = 12;

    /// <summary><c>██████░░░░░░ 52%</c>, or <c>52%</c> where nobody looks. Rounded down, so that 100% is all of them.</summary>
    public static Cell Of(long done, long all)
    {
        if (all <= 0)
            return "";
        var percent = Math.Min(100, 100 * done / all);
        var filled = (int)(Width * percent / 100);
        var text = percent.ToString(CultureInfo.InvariantCulture) + "%";
        return new Cell(
            Screen.IsTerminal ? $"{new string('█', filled)}{new string('░', Width - filled)} {text}" : text,
            percent == 100 ? Tone.Good : Tone.Plain);
    }
}
