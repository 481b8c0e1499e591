using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

namespace Ota.Cli;

/// <summary>Turns what the parser did not understand into one sentence.</summary>
internal static class Grammar
{
    /// <summary>Null when the arguments can be run (or ask for help).</summary>
    public static FailureException? FailureOf(ParseResult parse, IReadOnlyList<string> arguments)
    {
        if (parse.Action is not ParseErrorAction)
            return null;
        var command = parse.CommandResult.Command;
        var path = PathOf(command);
        if (command.Subcommands.Count > 0)
        {
            var choices = string.Join(", ", command.Subcommands.Select(choice => choice.Name));
            return arguments.Count == 0 ? FailureException.Usage("Say what to do; 'ota --help' lists the commands.")
                : parse.UnmatchedTokens is [var unknown, ..] ? FailureException.Usage($"'{path}' has no '{unknown}'; it has: {choices}.")
                : FailureException.Usage($"'{path}' needs one of: {choices}.");
        }

        var faults = parse.Errors.Select(Sentence).Distinct();
        return FailureException.Usage($"{string.Join(" ", faults)} See '{path} --help'.");
    }

    private static string Sentence(ParseError error) => error.SymbolResult switch
    {
        ArgumentResult { Parent: CommandResult, Tokens.Count: 0, Argument.Name: var name } => $"<{name}> is missing.",
        OptionResult { Tokens: [var given], Option: var option } when IsNumber(option.ValueType) =>
            $"{option.Name} takes a number, not '{given.Value}'.",
        OptionResult { Implicit: false, Tokens.Count: 0, Option.Name: var name } => $"{name} needs a value.",
        _ => Sentence(error.Message),
    };

    private static bool IsNumber(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var plain
        && (plain == typeof(int) || plain == typeof(long) || plain == typeof(double));

    private static string Sentence(string message)
    {
        var oneLine = string.Join(' ', message.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        return oneLine is [.., '.' or '?' or '!'] ? oneLine : oneLine + ".";
    }

    private static string PathOf(Command command)
    {
        var parent = command.Parents.OfType<Command>().FirstOrDefault();
        return parent is null ? "ota" : PathOf(parent) + " " + command.Name;
    }
}
