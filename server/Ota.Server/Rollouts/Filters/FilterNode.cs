using System.Collections.Immutable;

namespace Ota.Server.Rollouts.Filters;

/// <summary>How a device's value stands to the one in the filter.</summary>
internal enum Comparison
{
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// <summary>
/// A filter, read and checked: every value is of its field's kind. What is written <c>!=</c>, <c>not in</c> and <c>is
/// not none</c> is a <see cref="Not"/> here, which is what makes them its exact opposites for an absent value too.
/// </summary>
internal abstract record FilterNode;

internal sealed record Both(FilterNode Left, FilterNode Right) : FilterNode;

internal sealed record Either(FilterNode Left, FilterNode Right) : FilterNode;

internal sealed record Not(FilterNode Inner) : FilterNode;

/// <summary>The device has said nothing of this field, or is in no group.</summary>
internal sealed record IsNone(FilterField Field) : FilterNode;

internal sealed record Compared(FilterField Field, Comparison Comparison, FilterValue Value) : FilterNode;

/// <summary>A name that begins so; at least one character.</summary>
internal sealed record Begins(FilterField Field, string Beginning) : FilterNode;

/// <summary>One of at least one value.</summary>
internal sealed record OneOf(FilterField Field, ImmutableArray<FilterValue> Values) : FilterNode
{
    public bool Equals(OneOf? other) =>
        other is not null && Field == other.Field && Values.AsSpan().SequenceEqual(other.Values.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Field, Values.Length, Values[0]);
}

internal abstract record FilterValue;

/// <summary>
/// A name as devices have it (lower case; hardware ids without separators), or one of the words of its field.
/// </summary>
internal sealed record TextValue(string Text) : FilterValue;

internal sealed record NumberValue(long Number) : FilterValue;

/// <summary>A version, see <see cref="VersionOrder.IsVersion"/>.</summary>
internal sealed record VersionValue(string Version) : FilterValue;

/// <summary>A length of time, not negative; of a moment it is the age.</summary>
internal sealed record DurationValue(long Seconds) : FilterValue;

/// <summary>A moment in UTC milliseconds, whole seconds.</summary>
internal sealed record MomentValue(long Milliseconds) : FilterValue;
