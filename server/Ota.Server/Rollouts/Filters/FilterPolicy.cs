namespace Ota.Server.Rollouts.Filters;

/// <summary>
/// Whether a filter holds for a device. Pure. What is absent equals nothing, begins with nothing and is neither below
/// nor above anything, so each comparison with it is false, and the opposite of a comparison (<c>!=</c>, <c>not in</c>,
/// <c>not</c>) true.
/// </summary>
internal static class FilterPolicy
{
    /// <param name="now">UTC milliseconds.</param>
    public static bool Holds(FilterNode node, in DeviceFacts facts, long now) => node switch
    {
        Both both => Holds(both.Left, facts, now) && Holds(both.Right, facts, now),
        Either either => Holds(either.Left, facts, now) || Holds(either.Right, facts, now),
        Not not => !Holds(not.Inner, facts, now),
        IsNone none => none.Field.Text(facts) is null && none.Field.Number(facts) is null,
        Begins begins => begins.Field.Text(facts)?.StartsWith(begins.Beginning, StringComparison.Ordinal) ?? false,
        Compared compared => Is(compared.Field, compared.Comparison, compared.Value, facts, now),
        OneOf oneOf => IsOneOf(oneOf, facts, now),
        _ => throw new InvalidOperationException($"A filter of no kind: {node}."),
    };

    private static bool IsOneOf(OneOf oneOf, in DeviceFacts facts, long now)
    {
        foreach (var value in oneOf.Values)
        {
            if (Is(oneOf.Field, Comparison.Equal, value, facts, now))
                return true;
        }

        return false;
    }

    private static bool Is(
        FilterField field, Comparison comparison, FilterValue value, in DeviceFacts facts, long now) => value switch
        {
            TextValue text => field.Text(facts) == text.Text,
            VersionValue version =>
                field.Text(facts) is { } runs && Fits(comparison, VersionOrder.Compare(runs, version.Version)),
            _ => field.Number(facts) is { } number && Fits(comparison, Order(field, number, value, now)),
        };

    private static int Order(FilterField field, long number, FilterValue value, long now) => value switch
    {
        DurationValue age when field.Kind == FieldKind.Moment => (now - number).CompareTo(age.Seconds * 1000),
        DurationValue duration => number.CompareTo(duration.Seconds),
        MomentValue moment => number.CompareTo(moment.Milliseconds),
        _ => number.CompareTo(((NumberValue)value).Number),
    };

    private static bool Fits(Comparison comparison, int order) => comparison switch
    {
        Comparison.Less => order < 0,
        Comparison.AtMost => order <= 0,
        Comparison.Greater => order > 0,
        Comparison.AtLeast => order >= 0,
        _ => order == 0,
    };
}
