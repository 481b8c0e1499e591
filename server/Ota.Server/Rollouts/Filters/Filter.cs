namespace Ota.Server.Rollouts.Filters;

/// <summary>
/// Which devices a rollout is for: <c>group = kitchens and rssi > -75 and version &lt; 1.4.0</c>. The language is in
/// docs/filters.md. A filter means the same in memory and in SQL, on SQLite and on PostgreSQL. Immutable.
/// </summary>
internal sealed class Filter
{
    /// <summary>Characters (UTF-16).</summary>
    public const int LongestSource = 1000;

    /// <summary>Parentheses and <c>not</c> within one another.</summary>
    public const int DeepestNesting = 32;

    /// <summary>Values, each of a list counted, and questions whether there is one.</summary>
    public const int MostTerms = 100;

    public Filter(FilterNode root) => Root = root;

    public FilterNode Root { get; }

    /// <summary>
    /// Reads a filter; null and what is wrong with it when it is none. Takes time in proportion to its length and never
    /// throws.
    /// </summary>
    public static Filter? Parse(string source, out FilterFault? fault) =>
        FilterParser.Read(source, out fault) is { } root ? new Filter(root) : null;

    /// <summary>Whether it is for this device. Allocates nothing.</summary>
    /// <param name="now">What ages are counted up to; to the millisecond, as the table has it.</param>
    public bool Holds(in DeviceFacts facts, DateTimeOffset now) =>
        FilterPolicy.Holds(Root, facts, now.ToUnixTimeMilliseconds());

    /// <inheritdoc cref="FilterSql"/>
    public FilterSql ToSql(DateTimeOffset now) => FilterSql.Of(Root, now.ToUnixTimeMilliseconds());

    /// <summary>
    /// Its canonical text: it reads back as the same filter, and two that are written alike but for case, spaces,
    /// quotes or units share it.
    /// </summary>
    public override string ToString() => FilterText.Of(Root);
}
