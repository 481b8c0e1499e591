using System.Text;
using Ota.Cli.Output;

namespace Ota.Cli.Session;

/// <summary>Secrets from a pipe or from the keyboard, never echoed.</summary>
internal static class SecretInput
{
    private const int MostCharacters = 4096;

    /// <summary>The first line of stdin.</summary>
    public static string FromStdin(string what)
    {
        var line = Console.In.ReadLine();
        return line is { Length: > 0 and <= MostCharacters }
            ? line
            : throw FailureException.Usage($"There was no {what} on the first line of stdin.");
    }

    /// <summary>True when there is a keyboard to ask.</summary>
    public static bool CanAsk => !Console.IsInputRedirected && Screen.IsErrorTerminal;

    /// <summary>Asks on stderr and reads without echo, so that stdout stays clean.</summary>
    public static async Task<string> AskAsync(string prompt, CancellationToken cancellation)
    {
        Console.Error.Write(prompt + ": ");
        try
        {
            // The read itself cannot be cancelled; Ctrl-C leaves it behind and the process ends.
            return await Task.Run(ReadLineWithoutEcho, cancellation).WaitAsync(cancellation);
        }
        finally
        {
            Console.Error.WriteLine();
        }
    }

    private static string ReadLineWithoutEcho()
    {
        var typed = new StringBuilder();
        while (Console.ReadKey(intercept: true) is { Key: not ConsoleKey.Enter } key)
        {
            if (key.Key == ConsoleKey.Backspace)
                typed.Length = Math.Max(0, typed.Length - 1);
            else if (!char.IsControl(key.KeyChar) && typed.Length < MostCharacters)
                typed.Append(key.KeyChar);
        }

        return typed.ToString();
    }
}
