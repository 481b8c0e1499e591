using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Rollouts.Filters;

namespace Ota.Server.Tests.Rollouts.Filters;

/// <summary>
/// Filters, values and texts at random. Values come from few, so that devices and filters often have the same.
/// </summary>
internal static class AFilter
{
    public static readonly DateTimeOffset Now = DateTimeOffset.Parse("2026-11-21T12:00:00Z", null);

    // Words of the language and of SQL, wildcards of both databases, letters that sort or fold oddly, characters of two
    // halves.
    public static readonly string[] Texts =
    [
        "kitchens", "kitchen", "kit", "k", "halls", "aa", "az", "å", "i", "ı", "é", "e\u0301", "none", "and",
        "living room", "o'clock", "say \"x\"",
        "back\\slash", "%", "_", "kit%", "k_t", "?", "[a-z]", "🍳 kitchens", "🍳", "厨房", "' or 1=1 --", "@f0", "$1", ":p",
        "-75", "1.4.0", "2d", "null",
    ];

    public static readonly string[] HardwareIds =
        ["24:6f:28:aa:3f:10", "24:6F:28:AA:3F:11", "246f28", "SN-0001", "sn_0001", "I.1"];

    private static readonly string[] Pieces =
    [
        "(", ")", ",", " ", "=", "!=", "<", "<=", ">", ">=", "~", "==", "&&", "\"", "'", "\\", "and", "or", "not", "in",
        "is", "none", "is none",
        "not in (", "group", "rssi", "version", "uptime", "last-seen", "cause", "grup", "-75", "1.4.0", "2h",
        "2026-11-01", "crash", "kit*", "*", "-", "\0", "é", "🍳",
        "\uD83C", "\uDF73", "\u202E", "“", "group = a", "rssi > -75 and ", "not (",
    ];

    private static readonly string[] Labels =
        ["0", "1", "2", "10", "99999999999", "-", "--", "0a", "a", "A", "aa", "az", "b", "beta", "rc", "x-1", "Z", "z"];

    public static int Cases { get; } = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 50_000 : 1500;

    public static Gen<string> Version { get; } =
        from major in Gen.Elements("0", "1", "2", "10", "99999999999")
        from minor in Gen.Elements("0", "4", "10")
        from patch in Gen.Elements("0", "1", "11")
        from labels in Gen.ListOf(Gen.Elements(Labels))
        let version = $"{major}.{minor}.{patch}" + (labels.Count > 0 ? "-" + string.Join(".", labels.Take(4)) : "")
        where version.Length <= 64
        select version;

    /// <summary>A filter of at most 100 values, at most some 6 deep; shrinks to its parts.</summary>
    public static Arbitrary<FilterNode> Any { get; } = Arb.From(Gen.Choose(0, 4).SelectMany(Node), Smaller);

    /// <summary>Filters with something changed, parts of the language in any order, and any characters.</summary>
    public static Gen<string> AnyText { get; } = Gen.OneOf(
        from root in Any.Generator
        let text = new Filter(root).ToString()
        from at in Gen.Choose(0, text.Length - 1)
        from length in Gen.Choose(0, 3)
        from piece in Gen.Elements(Pieces)
        select text.Remove(at, Math.Min(length, text.Length - at)).Insert(at, piece),
        from pieces in Gen.ListOf(Gen.Elements(Pieces))
        from space in Gen.Elements("", " ")
        select string.Join(space, pieces),
        from text in ArbMap.Default.ArbFor<string>().Generator
        select text ?? "");

    private static Gen<FilterNode> Node(int depth)
    {
        if (depth == 0)
            return Gen.Elements(FilterField.All.AsEnumerable()).SelectMany(Condition);
        var inner = Gen.Choose(0, depth - 1).SelectMany(Node);
        return Gen.OneOf(
            from left in inner from right in inner select (FilterNode)new Both(left, right),
            from left in inner from right in inner select (FilterNode)new Either(left, right),
            from of in inner select (FilterNode)new Not(of));
    }

    private static Gen<FilterNode> Condition(FilterField field)
    {
        var none = Gen.Constant<FilterNode>(new IsNone(field));
        var equal = from value in Value(field) select (FilterNode)new Compared(field, Comparison.Equal, value);
        var oneOf =
            from count in Gen.Choose(1, 4)
            from values in Gen.ArrayOf(Value(field), count)
            select (FilterNode)new OneOf(field, [.. values]);
        var ordered =
            from comparison in Gen.Elements(Comparison.Less, Comparison.AtMost, Comparison.Greater, Comparison.AtLeast)
            from value in Value(field)
            select (FilterNode)new Compared(field, comparison, value);
        var begins =
            from text in Text(field)
            from length in Gen.Choose(1, text.Length)
            // Not in the middle of a character of two halves.
            let end = char.IsHighSurrogate(text[length - 1]) ? length + 1 : length
            select (FilterNode)new Begins(field, text[..end]);
        return field.Kind switch
        {
            FieldKind.Name => Gen.OneOf(none, equal, oneOf, begins),
            FieldKind.Word => Gen.OneOf(none, equal, oneOf),
            FieldKind.Moment => Gen.OneOf(none, ordered, ordered),
            _ => Gen.OneOf(none, equal, oneOf, ordered, ordered),
        };
    }

    private static Gen<string> Text(FilterField field) => field.Name switch
    {
        "hardware-id" => Gen.Elements(HardwareIds).Select(field.InItsForm),
        "id" => Gen.Choose(0, ADeviceRow.Most).Select(ADeviceRow.IdOf),
        _ => Gen.Elements(Texts),
    };

    private static Gen<FilterValue> Value(FilterField field) => field.Kind switch
    {
        FieldKind.Name => Text(field).Select(text => (FilterValue)new TextValue(text)),
        FieldKind.Word => Gen.Elements(field.Words.AsEnumerable()).Select(word => (FilterValue)new TextValue(word)),
        FieldKind.Version => Version.Select(version => (FilterValue)new VersionValue(version)),
        FieldKind.Number => Number.Select(number => (FilterValue)new NumberValue(number)),
        FieldKind.Duration => Gen.Choose(0, 5).Select(hours => (FilterValue)new DurationValue(hours * 1800L)),
        _ => Gen.OneOf(
            Gen.Choose(0, 6).Select(hours => (FilterValue)new DurationValue(hours * 3600L)),
            Gen.Choose(-1, 6).Select(hours => (FilterValue)new MomentValue(Now.AddHours(-hours).ToUnixTimeMilliseconds()))),
    };

    public static Gen<long> Number { get; } = Gen.Frequency(
        (8, Gen.Choose(-3, 3).Select(number => (long)number)),
        (1, Gen.Elements(999_999_999_999_999_999, -999_999_999_999_999_999)));

    private static IEnumerable<FilterNode> Smaller(FilterNode node) => node switch
    {
        Both both => [both.Left, both.Right],
        Either either => [either.Left, either.Right],
        Not not => [not.Inner],
        OneOf { Values.Length: > 1 } oneOf => oneOf.Values.Select(value => oneOf with { Values = [value] }),
        _ => [],
    };
}
