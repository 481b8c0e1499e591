using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ota.Server.Products;

/// <summary>What a client checks of an image before it runs it, the least first.</summary>
[JsonConverter(typeof(ProtectionConverter))]
public enum Protection
{
    /// <summary>Nothing that a stranger on the way could not have made.</summary>
    None,

    /// <summary>A hash that comes by the same way: damage is found, a forgery is not.</summary>
    Md5,

    /// <summary>A signature, against a key that is in the firmware it runs.</summary>
    Signature,
}

internal sealed class ProtectionConverter : JsonConverter<Protection>
{
    public override Protection Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String && ProtectionWords.Parse(reader.GetString()) is { } protection
            ? protection
            : throw new JsonException($"protection is one of {ProtectionWords.All}.");

    public override void Write(Utf8JsonWriter writer, Protection value, JsonSerializerOptions options) => writer.WriteStringValue(ProtectionWords.Of(value));
}

/// <summary>What a product allows to clients that were not written for this server.</summary>
/// <param name="Enrolls">Whether one that knows the product's dialect key and names its MAC is enrolled by that.</param>
/// <param name="Least">What a client must check to be given anything; null when all are.</param>
public sealed record DialectRules(bool Enrolls, Protection? Least)
{
    public static DialectRules Usual { get; } = new(Enrolls: false, Least: null);

    internal string Text => (Enrolls ? "enrolls by key" : "enrolls nobody by key")
        + (Least is { } least ? $", gives nothing to clients that check less than {ProtectionWords.Of(least)}" : "");
}

/// <summary>The words for protection on the wire and in the database.</summary>
internal static class ProtectionWords
{
    private static readonly string[] Words = ["none", "md5", "signed"];

    public static string All { get; } = string.Join(", ", Words);

    public static string Of(Protection protection) => Words[(int)protection];

    public static Protection? Parse(string? word) => Array.IndexOf(Words, word) is >= 0 and var index ? (Protection)index : null;
}
