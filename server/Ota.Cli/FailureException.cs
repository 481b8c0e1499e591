namespace Ota.Cli;

/// <summary>What the process answers to its caller; part of the contract with scripts.</summary>
internal enum ExitCode
{
    Done = 0,

    /// <summary>The server said no, or a verification did.</summary>
    Refused = 1,

    /// <summary>Wrong arguments, or a local file, key or password that cannot be used.</summary>
    Usage = 2,

    /// <summary>No answer from the server.</summary>
    Unreachable = 3,

    /// <summary>Ctrl-C: 128 + SIGINT, as shells count it.</summary>
    Interrupted = 130,
}

/// <summary>
/// Ends the command. An exception although refusals are expected, because every one of them means the same to every command:
/// stop here, say this, exit so. Thrown anywhere, caught once in <see cref="Call"/>.
/// </summary>
internal sealed class FailureException : Exception
{
    private FailureException(ExitCode exit, string type, string title, string? detail = null, int? status = null)
        : base(title)
    {
        Exit = exit;
        Type = type;
        Detail = detail;
        Status = status;
    }

    public ExitCode Exit { get; }

    /// <summary>A stable URN: the server's own problem type, or <c>urn:ota:cli:…</c>.</summary>
    public string Type { get; }

    public string Title => Message;

    public string? Detail { get; }

    /// <summary>The HTTP status, when a server answered.</summary>
    public int? Status { get; }

    /// <param name="sentence">What is wrong and what to do.</param>
    public static FailureException Usage(string sentence) => new(ExitCode.Usage, "urn:ota:cli:usage", sentence);

    public static FailureException Unreachable(string sentence) => new(ExitCode.Unreachable, "urn:ota:cli:unreachable", sentence);

    /// <summary>A signature or digest that does not fit; whoever it came from.</summary>
    public static FailureException NotVerified(string sentence) => new(ExitCode.Refused, "urn:ota:cli:not-verified", sentence);

    public static FailureException Interrupted() => new(ExitCode.Interrupted, "urn:ota:cli:interrupted", "Interrupted.");

    /// <summary>The server's own problem document.</summary>
    public static FailureException Refused(string type, string title, string? detail, int status) =>
        new(ExitCode.Refused, type, title, detail, status);

    /// <summary>A unit on a cable said no.</summary>
    /// <param name="reason">Its word for it (docs/protocol.md §7).</param>
    public static FailureException RefusedByUnit(string reason, string sentence) => new(ExitCode.Refused, $"urn:ota:unit:{reason}", sentence);

    /// <summary>An answer no Ota server gives: a proxy's error page, a captive portal, another program.</summary>
    public static FailureException UnexpectedAnswer(string sentence, int status) =>
        new(ExitCode.Refused, "urn:ota:cli:unexpected-answer", sentence, status: status);
}
