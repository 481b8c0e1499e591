namespace Ota.Server.Rollouts.Filters;

/// <summary>
/// A filter as a condition over the columns of <c>devices</c>, unqualified, for SQLite and PostgreSQL. It is true or
/// false, never null, and nothing that somebody wrote is in its text: every value is a parameter.
/// </summary>
/// <remarks>
/// Beside the columns there are it needs <c>version_key</c> (<see cref="VersionKey.Of"/> of <c>running</c>; null when
/// that is no version) and <c>plain_name</c> (<see cref="Devices.DeviceNames.Plain"/> of <c>hardware_id</c>). Their
/// order and equality are the same under every collation that tells different texts apart, as all do but PostgreSQL's
/// nondeterministic ones; <c>COLLATE "C"</c> there makes an index of them smaller and faster.
/// </remarks>
/// <param name="Text">The condition, in parentheses where it has parts.</param>
/// <param name="Parameters">Their names, <c>@f0</c> and on, and values: <see cref="string"/> or <see
/// cref="long"/>.</param>
internal sealed record FilterSql(string Text, IReadOnlyList<KeyValuePair<string, object>> Parameters)
{
    /// <param name="now">UTC milliseconds; ages become moments, so that an index of the column helps.</param>
    public static FilterSql Of(FilterNode node, long now)
    {
        var parameters = new List<KeyValuePair<string, object>>();
        return new FilterSql(Write(node, now, parameters), parameters);
    }

    private static string Write(FilterNode node, long now, List<KeyValuePair<string, object>> parameters) => node switch
    {
        Both both => $"({Write(both.Left, now, parameters)} AND {Write(both.Right, now, parameters)})",
        Either either => $"({Write(either.Left, now, parameters)} OR {Write(either.Right, now, parameters)})",
        Not not => $"NOT {Write(not.Inner, now, parameters)}",
        IsNone none => $"({none.Field.Column} IS NULL)",
        Begins begins => IfThere(begins.Field, BeginsWith(begins.Field.Column, Add(begins.Beginning, parameters))),
        OneOf oneOf => IfThere(oneOf.Field, $"{oneOf.Field.Column} IN ({List(oneOf, parameters)})"),
        Compared { Field.Kind: FieldKind.Moment, Value: DurationValue age } compared => Compare(
            compared.Field, Turned(compared.Comparison), now - age.Seconds * 1000, parameters),
        Compared compared => Compare(compared.Field, compared.Comparison, ValueOf(compared.Value), parameters),
        _ => throw new InvalidOperationException($"A filter of no kind: {node}."),
    };

    private static string Compare(
        FilterField field, Comparison comparison, object value, List<KeyValuePair<string, object>> parameters) =>
        IfThere(field, $"{field.Column} {FilterText.Sign(comparison)} {Add(value, parameters)}");

    // False AND null is false: an absent value makes the condition false here, and NOT of it true, as in memory.
    private static string IfThere(FilterField field, string condition) =>
        $"({field.Column} IS NOT NULL AND {condition})";

    // LIKE and GLOB differ between the two in case and in wildcards; characters are counted alike by both.
    private static string BeginsWith(string column, string parameter) =>
        $"substr({column}, 1, length({parameter})) = {parameter}";

    // Younger than a day is: seen after this time yesterday.
    private static Comparison Turned(Comparison comparison) => comparison switch
    {
        Comparison.Less => Comparison.Greater,
        Comparison.AtMost => Comparison.AtLeast,
        Comparison.Greater => Comparison.Less,
        Comparison.AtLeast => Comparison.AtMost,
        _ => comparison,
    };

    private static string List(OneOf oneOf, List<KeyValuePair<string, object>> parameters) =>
        string.Join(", ", oneOf.Values.Select(value => Add(ValueOf(value), parameters)));

    private static object ValueOf(FilterValue value) => value switch
    {
        TextValue text => text.Text,
        VersionValue version => VersionKey.Of(version.Version)!,
        NumberValue number => number.Number,
        DurationValue duration => duration.Seconds,
        MomentValue moment => moment.Milliseconds,
        _ => throw new InvalidOperationException($"A value of no kind: {value}."),
    };

    private static string Add(object value, List<KeyValuePair<string, object>> parameters)
    {
        var name = FormattableString.Invariant($"@f{parameters.Count}");
        parameters.Add(new(name, value));
        return name;
    }
}
