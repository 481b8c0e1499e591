using System.CommandLine;
using Ota.Signing;

namespace Ota.Cli;

/// <summary>Arguments and options that several commands share, and the checks a server would make of them too.</summary>
internal static class Arguments
{
    public static readonly string[] Kinds = [ReleaseStatement.ApplicationKind, ReleaseStatement.RecoveryKind];

    public static Argument<string> Product() => new("product") { Description = "The product's name." };

    public static Argument<string> Version() => new("version") { Description = "The release's version (SemVer), e.g. 1.4.0." };

    /// <summary>Which of several releases of one version.</summary>
    public static Option<string?> Hardware() => new("--hardware")
    {
        Description = "Which one, when the version has several releases.",
        HelpName = "name",
    };

    /// <inheritdoc cref="Hardware"/>
    public static Option<string?> Kind()
    {
        var option = new Option<string?>("--kind") { Description = "Which one, when the version has several releases." };
        option.AcceptOnlyFromAmong(Kinds);
        return option;
    }

    public static string Named(string what, string name) => Names.Fault(name) is { } fault
        ? throw FailureException.Usage($"The {what} {fault}")
        : name;

    public static string Versioned(string version) => Names.VersionFault(version) is { } fault
        ? throw FailureException.Usage($"The version {fault}")
        : version;
}
