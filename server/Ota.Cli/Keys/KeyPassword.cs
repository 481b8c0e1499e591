using System.CommandLine;
using Ota.Cli.Session;

namespace Ota.Cli.Keys;

/// <summary>Where the password of an encrypted release key comes from.</summary>
internal static class KeyPassword
{
    public static readonly Option<bool> Stdin = new("--password-stdin")
    {
        Description = "Read the key's password from the first line of stdin. Else OTA_KEY_PASSWORD, else you are asked.",
    };

    /// <summary>The password of an existing key.</summary>
    public static async Task<string> OfAsync(Call call, string file, CancellationToken cancellation)
    {
        if (call.Get(Stdin))
            return SecretInput.FromStdin("password");
        if (Connection.Variable("OTA_KEY_PASSWORD") is { } password)
            return password;
        return SecretInput.CanAsk
            ? await SecretInput.AskAsync($"Password of {file}", cancellation)
            : throw FailureException.Usage($"{file} is encrypted: set OTA_KEY_PASSWORD or give --password-stdin.");
    }

    /// <summary>A password for a new key, typed twice when it is typed.</summary>
    public static async Task<string> ForNewAsync(Call call, CancellationToken cancellation)
    {
        var password = call.Get(Stdin) ? SecretInput.FromStdin("password")
            : Connection.Variable("OTA_KEY_PASSWORD") is { } given ? given
            : !SecretInput.CanAsk ? throw FailureException.Usage(
                "There is no terminal to ask for the password on: set OTA_KEY_PASSWORD or give --password-stdin.")
            : await AskTwiceAsync(cancellation);
        return password.Length >= 8
            ? password
            : throw FailureException.Usage("A key's password has at least 8 characters.");
    }

    private static async Task<string> AskTwiceAsync(CancellationToken cancellation)
    {
        var first = await SecretInput.AskAsync("New password (8 characters or more)", cancellation);
        var second = await SecretInput.AskAsync("The same again", cancellation);
        return first == second ? first : throw FailureException.Usage("The two passwords differ; nothing was written.");
    }
}
