namespace Ota.Server.Http;

/// <summary>
/// Keeps addresses out of the log whatever level the settings ask for: those of some clients hold their token, and not every client can be told
/// otherwise.
/// </summary>
internal static class UnloggedAddresses
{
    private static readonly string[] Categories =
    [
        "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Routing", "Microsoft.AspNetCore.StaticFiles", "Microsoft.AspNetCore.HostFiltering",
        "Microsoft.AspNetCore.Server.Kestrel.BadRequests",
    ];

    /// <summary>To be run after everything that configures the log.</summary>
    public static void Quieten(LoggerFilterOptions options)
    {
        foreach (var rule in options.Rules.Where(rule => Array.Exists(Categories, category => IsWithin(rule.CategoryName, category))).ToArray())
            options.Rules.Remove(rule);
        // A rule for one provider stands above one for all.
        foreach (var provider in options.Rules.Select(rule => rule.ProviderName).Append(null).Distinct().ToArray())
        {
            foreach (var category in Categories)
                options.Rules.Add(new LoggerFilterRule(provider, category, LogLevel.Warning, filter: null));
        }
    }

    private static bool IsWithin(string? name, string category) =>
        name is not null && (name.StartsWith(category, StringComparison.OrdinalIgnoreCase) || name.Contains('*', StringComparison.Ordinal));
}
