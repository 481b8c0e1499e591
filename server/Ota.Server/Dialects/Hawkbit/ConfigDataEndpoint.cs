using Ota.Server.Devices;
using Ota.Server.Http;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>PUT of what a client tells of itself. It is an ask, too: the version in it is the one that runs.</summary>
internal static class ConfigDataEndpoint
{
    private const int MaximumSize = 64 * 1024;

    // What is told again unchanged is written at most so often.
    private static readonly TimeSpan Fresh = TimeSpan.FromHours(1);

    public static async Task PutAsync(HttpContext context, Caller caller)
    {
        if (await ClientBody.ReadAsync(context, MaximumSize, HawkbitJson.Default.AttributesBody) is not { } body)
            return;
        var services = context.RequestServices;
        var notes = services.GetRequiredService<ClientNotes>();
        if (Change(notes.Of(caller).Attributes, body, out var reason) is null)
        {
            await Problems.WriteAsync(context, Problems.Invalid(reason));
            return;
        }

        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var note = await notes.ChangeAsync(caller, known => Change(known.Attributes, body, out _) is { } told ? Told(known, told, now) : known);
        if (await HawkbitAsk.HearAsync(context, caller, note, ClientAttributes.SaysAnew(context.Request.Headers, note.Attributes)) is null)
            await DialectAuthentication.RefuseAsync(context);
    }

    private static ClientNote Told(ClientNote known, Dictionary<string, string> told, DateTimeOffset now)
    {
        var isSame = told.Count == known.Attributes.Count && told.All(pair => known.Attributes.GetValueOrDefault(pair.Key) == pair.Value);
        return !isSame ? known with { Attributes = told, Told = now } : now - known.Told >= Fresh ? known with { Told = now } : known;
    }

    /// <summary>The attributes as the body leaves them; null and a sentence when it cannot be.</summary>
    private static Dictionary<string, string>? Change(IReadOnlyDictionary<string, string> known, AttributesBody body, out string reason)
    {
        if (body.Data is null || body.Mode is not (null or "merge" or "replace" or "remove"))
        {
            reason = "data is an object of attributes; mode is merge, replace or remove.";
            return null;
        }

        var told = body.Mode == "replace" ? [] : new Dictionary<string, string>(known);
        foreach (var (name, value) in body.Data)
        {
            if (body.Mode == "remove")
                told.Remove(name);
            else if (ClientAttributes.Add(told, name, value) is { } fault)
                return Refused(fault, out reason);
        }

        reason = "";
        return told;
    }

    private static Dictionary<string, string>? Refused(string fault, out string reason)
    {
        reason = fault;
        return null;
    }
}
