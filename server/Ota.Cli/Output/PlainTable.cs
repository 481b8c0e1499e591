using System.Text;

namespace Ota.Cli.Output;

/// <summary>Aligned columns for files and pipes: no lines, no colours, nothing cut, one row a line.</summary>
internal static class PlainTable
{
    public static string Of(IReadOnlyList<string> headings, IReadOnlyList<IReadOnlyList<Cell>> rows)
    {
        var widths = headings.Select((heading, column) =>
            Math.Max(heading.Length, rows.Max(row => Shown(row[column]).Length))).ToArray();
        var text = new StringBuilder();
        Append(text, [.. headings.Select(heading => heading.ToUpperInvariant())], widths);
        foreach (var row in rows)
            Append(text, [.. row.Select(Shown)], widths);
        return text.ToString();
    }

    // A dash keeps the count of columns the same on every line.
    private static string Shown(Cell cell) => cell.Text.Length == 0 ? "-" : cell.Text;

    private static void Append(StringBuilder text, string[] cells, int[] widths)
    {
        var line = string.Join("  ", cells.Select((cell, column) => cell.PadRight(widths[column])));
        text.Append(line.TrimEnd()).Append('\n');
    }
}
