using System.CommandLine;
using Ota.Cli;

var parse = CommandTree.Root().Parse(args, CommandTree.Parsing);
if (Grammar.FailureOf(parse, args) is { } failure)
    return new Ota.Cli.Output.Screen(args.Contains("--json")).Fail(failure);

// Two seconds to leave politely after Ctrl-C; then the process ends whatever it is waiting for.
return await parse.InvokeAsync(new InvocationConfiguration
{
    EnableDefaultExceptionHandler = false,
    ProcessTerminationTimeout = TimeSpan.FromSeconds(2),
});
