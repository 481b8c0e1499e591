namespace Ota.Server.Rollouts.Filters;

/// <summary>Writes a filter so that it reads back as the same one, with no more parentheses than that takes.</summary>
internal static class FilterText
{
    public static string Of(FilterNode node) => node switch
    {
        // Both join to the left, so on the right even one of the same kind keeps its parentheses.
        Both both => $"{Within(both.Left, both.Left is Either)} and {Within(both.Right, both.Right is Either or Both)}",
        Either either => $"{Of(either.Left)} or {Within(either.Right, either.Right is Either)}",
        Not { Inner: Compared { Comparison: Comparison.Equal } equal } => Compare(equal.Field, "!=", equal.Value),
        Not { Inner: OneOf oneOf } => $"{oneOf.Field} not in ({List(oneOf)})",
        Not { Inner: IsNone none } => $"{none.Field} is not none",
        Not not => $"not {Within(not.Inner, not.Inner is Both or Either)}",
        IsNone none => $"{none.Field} is none",
        Begins begins => $"{begins.Field} ~ {FilterValues.WriteText(begins.Beginning + "*")}",
        OneOf oneOf => $"{oneOf.Field} in ({List(oneOf)})",
        Compared compared => Compare(compared.Field, Sign(compared.Comparison), compared.Value),
        _ => throw new InvalidOperationException($"A filter of no kind: {node}."),
    };

    /// <summary>The comparison as it is written, in the language and in SQL alike.</summary>
    public static string Sign(Comparison comparison) => comparison switch
    {
        Comparison.Less => "<",
        Comparison.AtMost => "<=",
        Comparison.Greater => ">",
        Comparison.AtLeast => ">=",
        _ => "=",
    };

    private static string Within(FilterNode node, bool needsParentheses) =>
        needsParentheses ? $"({Of(node)})" : Of(node);

    private static string Compare(FilterField field, string sign, FilterValue value) =>
        $"{field} {sign} {FilterValues.Write(value)}";

    private static string List(OneOf oneOf) => string.Join(", ", oneOf.Values.Select(FilterValues.Write));
}
