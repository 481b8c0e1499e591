using Microsoft.AspNetCore.Http.Headers;
using Microsoft.Net.Http.Headers;

namespace Ota.Server.Images;

/// <summary>What the If-… headers of a request for an image ask for (RFC 9110 §13).</summary>
internal enum Precondition { None, NotModified, Failed }

/// <summary>
/// Evaluates If-Match, then If-None-Match (RFC 9110 §13.2.2). An image has an entity tag and no modification date, so
/// the headers with dates are ignored, as the RFC wants of a resource without one. Pure.
/// </summary>
internal static class ImagePreconditions
{
    public static Precondition Evaluate(RequestHeaders headers, EntityTagHeaderValue tag)
    {
        if (headers.IfMatch is { Count: > 0 } wanted && !Matches(wanted, tag, useStrongComparison: true))
            return Precondition.Failed;
        return headers.IfNoneMatch is { Count: > 0 } known && Matches(known, tag, useStrongComparison: false)
            ? Precondition.NotModified
            : Precondition.None;
    }

    /// <summary>
    /// False when If-Range names something other than this very image: another tag, a weak one, or a date, which
    /// without a Last-Modified of ours can never be the same (RFC 9110 §13.1.5). The whole image is sent then.
    /// </summary>
    public static bool RangeApplies(string? ifRange, EntityTagHeaderValue tag) =>
        string.IsNullOrEmpty(ifRange) || ifRange.AsSpan().Trim().SequenceEqual(tag.Tag.AsSpan());

    /// <summary>True when the client says by this very tag, not by <c>*</c>, of which image it has a part.</summary>
    public static bool Names(RequestHeaders headers, string? ifRange, EntityTagHeaderValue tag) =>
        (!string.IsNullOrEmpty(ifRange) && RangeApplies(ifRange, tag))
        || headers.IfMatch.Any(one => one.Compare(tag, useStrongComparison: true));

    private static bool Matches(
        IList<EntityTagHeaderValue> tags, EntityTagHeaderValue tag, bool useStrongComparison) =>
        tags.Any(other => other.Equals(EntityTagHeaderValue.Any) || other.Compare(tag, useStrongComparison));
}
