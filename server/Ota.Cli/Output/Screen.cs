using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Ota.Cli.Api;
using Spectre.Console;

namespace Ota.Cli.Output;

/// <summary>Where results go: JSON, tables on a terminal, or plain aligned text when the output is redirected.</summary>
internal sealed class Screen(bool json)
{
    private const int MostDetailLines = 4;
    private static readonly bool NoColor = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
    private static readonly bool DumbTerminal = Environment.GetEnvironmentVariable("TERM") is "dumb";
    private readonly Lazy<IAnsiConsole> _terminal = new(() => Terminal(Console.Out));

    public bool Json { get; } = json;

    /// <summary>A person is looking at stdout, on something that can draw.</summary>
    public static bool IsTerminal { get; } = !Console.IsOutputRedirected && !DumbTerminal;

    public static bool IsErrorTerminal { get; } = !Console.IsErrorRedirected && !DumbTerminal;

    public IAnsiConsole Canvas => _terminal.Value;

    /// <summary>The console on stderr, for progress.</summary>
    public static IAnsiConsole ErrorCanvas() => Terminal(Console.Error);

    /// <summary>The result of a command: the document with --json, else what <paramref name="human"/> writes.</summary>
    public void Show<T>(T value, Action<Screen> human)
    {
        if (Json)
            Console.Out.WriteLine(Escaped(JsonSerializer.Serialize(value, OtaJson.Shown<T>())));
        else
            human(this);
    }

    /// <summary>One line of JSON among several; only for commands that watch.</summary>
    public static void JsonLine<T>(T value) => Console.Out.WriteLine(JsonText(value));

    /// <summary>What <see cref="JsonLine"/> prints.</summary>
    public static string JsonText<T>(T value) => Escaped(JsonSerializer.Serialize(value, OtaJson.Line<T>()));

    /// <summary>One line, its cells run together.</summary>
    public void Line(params ReadOnlySpan<Cell> cells)
    {
        if (!IsTerminal)
        {
            Console.Out.WriteLine(string.Concat(cells.ToArray().Select(cell => cell.Text)));
            return;
        }

        Canvas.Write(Drawn(cells));
        Canvas.WriteLine();
    }

    /// <summary>Cells run together, for a terminal.</summary>
    public static Paragraph Drawn(params ReadOnlySpan<Cell> cells)
    {
        var line = new Paragraph();
        foreach (var cell in cells)
            line.Append(cell.Text, StyleOf(cell.Tone));
        return line;
    }

    /// <summary>A secret or key as it is: never wrapped, so that it can be copied.</summary>
    public static void Verbatim(string text) => Console.Out.WriteLine(text);

    /// <summary>Names and values, one a line; a value that is empty is left out.</summary>
    public void Facts(params IReadOnlyList<(string Name, Cell Value)> facts)
    {
        var shown = facts.Where(fact => fact.Value.Text.Length > 0).ToArray();
        var width = shown.Max(fact => fact.Name.Length);
        foreach (var (name, value) in shown)
            Line(new Cell("  " + name.PadRight(width) + "  ", Tone.Dim), value);
    }

    /// <param name="headings">The most telling first: a terminal that is too narrow shows only those that fit.</param>
    /// <param name="rows">As wide as the headings.</param>
    /// <param name="none">The sentence instead of an empty table.</param>
    public void Table(IReadOnlyList<string> headings, IReadOnlyList<IReadOnlyList<Cell>> rows, string none)
    {
        if (rows.Count == 0)
            Line(new Cell(none, Tone.Dim));
        else if (IsTerminal)
            Canvas.Write(DrawnTable.Of(headings, rows, Canvas.Profile.Width));
        else
            Console.Out.Write(PlainTable.Of(headings, rows));
    }

    /// <summary>A remark for the person, never for a script.</summary>
    public void Warn(string sentence)
    {
        if (!Json)
            Console.Error.WriteLine("Warning: " + Cell.Clean(sentence));
    }

    /// <summary>Says on stderr why the command ends; stdout stays as it is, which with --json is empty.</summary>
    public int Fail(FailureException failure)
    {
        if (Json)
        {
            var body = new ErrorBody(failure.Type, failure.Title, failure.Detail, failure.Status);
            Console.Error.WriteLine(Escaped(JsonSerializer.Serialize(new ErrorDocument(body), OtaJson.Shown<ErrorDocument>())));
        }
        else
        {
            Console.Error.WriteLine("ota: " + Cell.Clean(failure.Title));
            if (!string.IsNullOrWhiteSpace(failure.Detail) && failure.Detail != failure.Title)
            {
                // A fault in a filter comes with the filter and a caret below it, so lines stay lines, each indented: none can pass
                // for one of ours.
                foreach (var line in failure.Detail.Split('\n', MostDetailLines))
                    Console.Error.WriteLine("     " + Cell.Clean(line.TrimEnd()));
            }
        }

        return (int)failure.Exit;
    }

    public static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Strong => new Style(decoration: Decoration.Bold),
        Tone.Dim => new Style(Color.Grey),
        Tone.Good => new Style(Color.Green),
        Tone.Busy => new Style(Color.Yellow),
        Tone.Bad => new Style(Color.Red),
        _ => Style.Plain,
    };

    // What turns text around or hides in it is written as its number, as control characters are: a document is shown on terminals too.
    private static string Escaped(string json) => json.Any(IsFormat)
        ? string.Concat(json.Select(c => IsFormat(c) ? string.Create(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}") : c.ToString()))
        : json;

    private static bool IsFormat(char c) => char.GetUnicodeCategory(c) is UnicodeCategory.Format or UnicodeCategory.LineSeparator
        or UnicodeCategory.ParagraphSeparator;

    private static IAnsiConsole Terminal(TextWriter writer) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(writer),
        Ansi = AnsiSupport.Detect,
        ColorSystem = NoColor ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
        Interactive = InteractionSupport.Detect,
    });
}
