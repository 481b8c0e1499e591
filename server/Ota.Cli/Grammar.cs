using System.CommandLine;
using System.CommandLine.Invocation;

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

        var faults = parse.Errors.Select(error => Sentence(error.Message)).Distinct();
        return FailureException.Usage($"{string.Join(" ", faults)} See '{path} --help'.");
    }

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
