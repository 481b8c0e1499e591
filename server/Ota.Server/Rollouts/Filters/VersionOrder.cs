namespace Ota.Server.Rollouts.Filters;

/// <summary>
/// Which of two versions comes first: the precedence of SemVer 2.0, clause 11, letter by letter. NuGet.Versioning,
/// which checks the form of versions elsewhere, compares labels without case and numbers as 32 bits, so it cannot be
/// the order that a sort key must equal.
/// </summary>
internal static class VersionOrder
{
    /// <summary>The longest version, in characters; also that of Ota.Signing.Names.</summary>
    public const int Longest = 64;

    /// <summary>
    /// Whether this is <c>1.4.0</c> or <c>1.4.0-beta.1</c>: SemVer 2.0 without build metadata, at most 64 characters.
    /// </summary>
    public static bool IsVersion(ReadOnlySpan<char> text)
    {
        if (text.Length > Longest)
            return false;
        var (numbers, labels, hasLabels) = Split(text);
        var count = 0;
        foreach (var range in numbers.Split('.'))
        {
            count++;
            if (!IsNumber(numbers[range]) || !HasOneSpelling(numbers[range]))
                return false;
        }

        return count == 3 && (!hasLabels || AreLabels(labels));
    }

    /// <summary>
    /// Below zero when <paramref name="left"/> comes first, zero when they are the same. Both are versions. Allocates
    /// nothing.
    /// </summary>
    public static int Compare(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        var (leftNumbers, leftLabels, leftIsEarly) = Split(left);
        var (rightNumbers, rightLabels, rightIsEarly) = Split(right);
        var order = CompareLists(leftNumbers, rightNumbers);
        if (order != 0)
            return order;
        return (leftIsEarly, rightIsEarly) switch
        {
            (true, true) => CompareLists(leftLabels, rightLabels),
            // A version with labels comes before the one without.
            (true, false) => -1,
            (false, true) => 1,
            _ => 0,
        };
    }

    public static bool IsNumber(ReadOnlySpan<char> text)
    {
        // Not ContainsAnyExceptInRange, which allocates until the runtime has compiled it well.
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
        }

        return text.Length > 0;
    }

    /// <summary>The three numbers, the labels after the first hyphen, and whether there was one.</summary>
    public static Parts Split(ReadOnlySpan<char> version)
    {
        var hyphen = version.IndexOf('-');
        return hyphen < 0
            ? new Parts(version, [], hasLabels: false)
            : new Parts(version[..hyphen], version[(hyphen + 1)..], hasLabels: true);
    }

    private static bool AreLabels(ReadOnlySpan<char> labels)
    {
        foreach (var range in labels.Split('.'))
        {
            var label = labels[range];
            if (label.IsEmpty || (IsNumber(label) && !HasOneSpelling(label)))
                return false;
            foreach (var c in label)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c != '-')
                    return false;
            }
        }

        return true;
    }

    private static bool HasOneSpelling(ReadOnlySpan<char> number) => number.Length == 1 || number[0] != '0';

    private static int CompareLists(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        while (true)
        {
            var (leftPart, rightPart) = (FirstLength(left), FirstLength(right));
            var order = CompareParts(left[..leftPart], right[..rightPart]);
            if (order != 0)
                return order;
            var (isMoreLeft, isMoreRight) = (leftPart < left.Length, rightPart < right.Length);
            if (!isMoreLeft || !isMoreRight)
                return isMoreLeft.CompareTo(isMoreRight);
            left = left[(leftPart + 1)..];
            right = right[(rightPart + 1)..];
        }
    }

    private static int FirstLength(ReadOnlySpan<char> list) => list.IndexOf('.') is >= 0 and var dot ? dot : list.Length;

    // Numbers of any length: the one with more digits is larger, since none begins with a zero.
    private static int CompareParts(ReadOnlySpan<char> left, ReadOnlySpan<char> right) =>
        (IsNumber(left), IsNumber(right)) switch
        {
            (true, true) when left.Length != right.Length => left.Length.CompareTo(right.Length),
            (true, false) => -1,
            (false, true) => 1,
            _ => left.SequenceCompareTo(right),
        };

    /// <summary>A version taken apart; spans cannot stand in a tuple.</summary>
    public readonly ref struct Parts(ReadOnlySpan<char> numbers, ReadOnlySpan<char> labels, bool hasLabels)
    {
        private readonly ReadOnlySpan<char> _numbers = numbers;
        private readonly ReadOnlySpan<char> _labels = labels;
        private readonly bool _hasLabels = hasLabels;

        public void Deconstruct(out ReadOnlySpan<char> numbers, out ReadOnlySpan<char> labels, out bool hasLabels)
        {
            numbers = _numbers;
            labels = _labels;
            hasLabels = _hasLabels;
        }
    }
}
