namespace Ota.Server.Evidence;

/// <summary>
/// The ratio of two Poisson rates with its exact interval: given their sum, the first count is binomial (Przyborowski and Wilenski 1940), so
/// the Clopper–Pearson limits of its share are the limits of the ratio.
/// </summary>
internal static class Poisson
{
    private const double Tail = 0.025;
    private const int Halvings = 60;

    /// <param name="first">Events in <paramref name="firstHours"/>; the two counts together are at least 1.</param>
    public static RateRatio Ratio(long first, double firstHours, long second, double secondHours)
    {
        var all = first + second;
        double? value = second == 0 ? null : first / firstHours / (second / secondHours);

        // The share below which so many, or above which so few, would come about in one case of forty.
        var low = first == 0 ? 0 : Solve(share => AtLeast(first, all, share) - Tail);
        var high = first == all ? 1 : Solve(share => Tail - (1 - AtLeast(first + 1, all, share)));
        return new RateRatio(value, Odds(low) * secondHours / firstHours, high < 1 ? Odds(high) * secondHours / firstHours : null);
    }

    private static double Odds(double share) => share / (1 - share);

    // The root of a function that rises with the share.
    private static double Solve(Func<double, double> rising)
    {
        var (low, high) = (0.0, 1.0);
        for (var i = 0; i < Halvings; i++)
        {
            var middle = (low + high) / 2;
            if (rising(middle) < 0)
                low = middle;
            else
                high = middle;
        }

        return (low + high) / 2;
    }

    /// <summary>The chance of at least so many of all, each with this share; summed in logarithms, which neither overflow nor vanish.</summary>
    private static double AtLeast(long count, long all, double share)
    {
        if (share <= 0)
            return count == 0 ? 1 : 0;
        if (share >= 1)
            return 1;
        var term = all * Math.Log(1 - share);
        var (odds, sum) = (Math.Log(share) - Math.Log(1 - share), 0.0);
        for (long i = 0; i <= all; i++)
        {
            if (i >= count)
                sum += Math.Exp(term);
            term += Math.Log(all - i) - Math.Log(i + 1) + odds;
        }

        return Math.Min(1, sum);
    }
}
