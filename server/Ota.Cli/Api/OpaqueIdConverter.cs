using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ota.Cli.Api;

/// <summary>An id is a string to everybody but the one who made it; a server that counts may send a number.</summary>
internal sealed class OpaqueIdConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.Number
            ? reader.GetInt64().ToString(CultureInfo.InvariantCulture)
            : reader.GetString();

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
