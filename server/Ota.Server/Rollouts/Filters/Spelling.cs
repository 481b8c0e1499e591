namespace Ota.Server.Rollouts.Filters;

/// <summary>What a mistyped word may have meant.</summary>
internal static class Spelling
{
    private const int Longest = 24;

    /// <summary>
    /// The nearest word, at most two letters changed, added or left out (one in a word of up to four letters); null
    /// when there is none.
    /// </summary>
    public static string? Nearest(string word, IEnumerable<string> words)
    {
        if (word.Length > Longest)
            return null;
        var lower = word.ToLowerInvariant();
        var (distance, nearest) = words.Select(known => (Distance: Distance(lower, known), known))
            .MinBy(pair => pair.Distance);
        return distance <= (word.Length <= 4 ? 1 : 2) ? nearest : null;
    }

    // Levenshtein, a row at a time.
    private static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var replaced = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[to.Length];
    }
}
