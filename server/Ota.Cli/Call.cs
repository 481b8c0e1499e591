using System.CommandLine;
using Ota.Cli.Api;
using Ota.Cli.Output;
using Ota.Cli.Session;

namespace Ota.Cli;

/// <summary>A command that does something; its failures all end in <see cref="Call.RunAsync"/>.</summary>
internal sealed class Verb : Command
{
    public Verb(string name, string description, Func<Call, CancellationToken, Task> run)
        : base(name, description) =>
        SetAction((parse, cancellation) => Call.RunAsync(parse, run, cancellation));
}

/// <summary>One run of one command: what was typed, where to show the result, and the server when it is needed.</summary>
internal sealed class Call : IDisposable
{
    private readonly ParseResult _parse;
    private OtaApi? _api;

    private Call(ParseResult parse)
    {
        _parse = parse;
        Screen = new Screen(parse.GetValue(GlobalOptions.Json));
    }

    public Screen Screen { get; }

    public TimeProvider Time { get; } = TimeProvider.System;

    public DateTimeOffset Now => Time.GetUtcNow();

    /// <summary>The server of this call, as <see cref="Connection"/> resolves it; fails when there is no staff key.</summary>
    public OtaApi Api => _api ??= new OtaApi(Connection.Of(this));

    public T? Get<T>(Option<T> option) => _parse.GetValue(option);

    public T Get<T>(Argument<T> argument) => _parse.GetRequiredValue(argument);

    /// <summary>The value of an argument that may be left out.</summary>
    public string? Find(Argument<string?> argument) => _parse.GetValue(argument);

    public static async Task<int> RunAsync(ParseResult parse, Func<Call, CancellationToken, Task> run, CancellationToken cancellation)
    {
        using var call = new Call(parse);
        try
        {
            await run(call, cancellation);
            return (int)ExitCode.Done;
        }
        catch (FailureException failure)
        {
            return call.Screen.Fail(failure);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            return call.Screen.Fail(FailureException.Interrupted());
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // The network's own I/O faults have become FailureExceptions in OtaApi; what is left is a local file.
            return call.Screen.Fail(FailureException.Usage(fault.Message));
        }
    }

    public void Dispose() => _api?.Dispose();
}
