using System.Globalization;
using System.Text;

namespace Ota.Server.Rollouts.Filters;

/// <summary>
/// A version as text that sorts as the version does, so that a database that knows nothing of SemVer can compare. It
/// holds digits only: those sort alike under every collation, byte by byte and by language, where letters do not (in
/// Danish <c>aa</c> comes after <c>z</c>).
/// </summary>
/// <remarks>
/// A number is its length in two digits and then itself. The three numbers come first; then <c>9</c> for a release, or
/// for each label <c>1</c> and its number, or <c>2</c>, two digits a character (its ASCII code less 34) and <c>00</c>;
/// and <c>0</c> at the end of the labels. So no key is the beginning of another's, a number comes before a word, fewer
/// labels before more, and all labels before the release.
/// </remarks>
internal static class VersionKey
{
    /// <summary>
    /// The key, 10 to 250 digits; null when this is no version, see <see cref="VersionOrder.IsVersion"/>.
    /// </summary>
    public static string? Of(string? version)
    {
        if (version is null || !VersionOrder.IsVersion(version))
            return null;
        var key = new StringBuilder(64);
        var (numbers, labels, hasLabels) = VersionOrder.Split(version);
        foreach (var range in numbers.Split('.'))
            AppendNumber(key, numbers[range]);
        if (!hasLabels)
            return key.Append('9').ToString();
        foreach (var range in labels.Split('.'))
            AppendLabel(key, labels[range]);
        return key.Append('0').ToString();
    }

    private static void AppendNumber(StringBuilder key, ReadOnlySpan<char> number) =>
        key.Append(CultureInfo.InvariantCulture, $"{number.Length:00}").Append(number);

    private static void AppendLabel(StringBuilder key, ReadOnlySpan<char> label)
    {
        if (VersionOrder.IsNumber(label))
        {
            AppendNumber(key.Append('1'), label);
            return;
        }

        key.Append('2');
        foreach (var c in label)
            key.Append(CultureInfo.InvariantCulture, $"{c - 34:00}");
        key.Append("00");
    }
}
