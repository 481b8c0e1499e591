using Spectre.Console;
using Spectre.Console.Rendering;

namespace Ota.Cli.Output;

/// <summary>
/// A table for a terminal. Ids, states and times stay whole; sentences wrap. Where not even that fits, columns at the right are left out
/// and named below, since a table squeezed to one letter a line tells nobody anything.
/// </summary>
internal static class DrawnTable
{
    // Longer words than ids have, such as digests, may break: else one of them takes the room of all other columns.
    private const int LongestWord = 24;
    private const int LongestPhrase = 12;
    private const int NarrowestSentence = 16;

    /// <param name="width">Of the terminal, in characters.</param>
    public static IRenderable Of(IReadOnlyList<string> headings, IReadOnlyList<IReadOnlyList<Cell>> rows, int width)
    {
        var columns = headings.Select((heading, column) => WidthOf(heading, [.. rows.Select(row => row[column].Text)])).ToArray();
        // A blank before each column and two at the edges.
        var fitting = columns.Length;
        while (fitting > 1 && columns.Take(fitting).Sum(column => column.Least + 2) + 2 > width)
            fitting--;

        var table = new Table { Border = TableBorder.Simple };
        for (var i = 0; i < fitting; i++)
        {
            table.AddColumn(new TableColumn(new Text(headings[i], new Style(decoration: Decoration.Bold)))
            {
                NoWrap = columns[i].IsWhole,
                Padding = new Padding(0, 0, 1, 0),
            });
        }

        foreach (var row in rows)
            table.AddRow(row.Take(fitting).Select(cell => new Text(cell.Text, Screen.StyleOf(cell.Tone))));
        return fitting == columns.Length
            ? table
            : new Rows(table, new Text(
                $" Too narrow for: {string.Join(", ", headings.Skip(fitting))}. Widen the terminal, or use --json.",
                Screen.StyleOf(Tone.Dim)));
    }

    private static (int Least, bool IsWhole) WidthOf(string heading, string[] cells)
    {
        var longest = cells.Max(text => text.Length);
        return cells.All(text => text.Length <= LongestPhrase || (text.Length <= LongestWord && !text.Contains(' ')))
            ? (Math.Max(heading.Length, longest), true)
            : (Math.Max(heading.Length, Math.Min(longest, NarrowestSentence)), false);
    }
}
