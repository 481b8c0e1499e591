namespace Ota.Server.People;

/// <summary>How often a name or an address may be wrong, and what a password must be. Pure.</summary>
internal static class SignInPolicy
{
    public const int ShortestPassword = 10;
    public const int LongestPassword = 200;

    /// <summary>Wrong attempts that cost nothing but themselves.</summary>
    public const int Free = 5;

    public static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(15);

    /// <summary>After this long without an attempt nothing is held against a name or an address.</summary>
    public static readonly TimeSpan Forgiven = TimeSpan.FromHours(1);

    /// <summary>How long the next attempt has to wait after so many wrong ones: none for the free ones, then twice as long each time.</summary>
    public static TimeSpan WaitAfter(long failures) =>
        failures < Free ? TimeSpan.Zero
        : failures - Free > 10 ? LongestWait
        : TimeSpan.FromSeconds(Math.Min(LongestWait.TotalSeconds, 5 << (int)(failures - Free)));

    public static string? PasswordFault(string? password, string name) =>
        password is null || password.Length < ShortestPassword ? $"A password has at least {ShortestPassword} characters."
        : password.Length > LongestPassword ? $"A password has at most {LongestPassword} characters."
        : password.Contains(name, StringComparison.OrdinalIgnoreCase) && password.Length < name.Length + ShortestPassword ? "A password is more than your name."
        : null;

    public static string? NameFault(string? name) =>
        string.IsNullOrWhiteSpace(name) || name.Trim().Length > 100 || name.Any(char.IsControl) ? "A person needs a name of 1 to 100 characters." : null;
}
