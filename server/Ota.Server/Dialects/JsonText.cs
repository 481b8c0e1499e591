using System.Text.Json;

namespace Ota.Server.Dialects;

/// <summary>A text in JSON of a client, as it can be kept.</summary>
internal static class JsonText
{
    /// <summary>Null when it is no text, or one of halves of characters. PostgreSQL keeps no zero character, so another stands for it.</summary>
    public static string? Of(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
            return null;
        try
        {
            return element.GetString()!.Replace('\0', '\uFFFD');
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }
}
