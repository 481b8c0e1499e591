using Ota.Server.CheckIns;
using Ota.Server.Devices;
using Ota.Server.Http;

namespace Ota.Server.Dialects.Mender;

/// <summary>PUT, which replaces, and PATCH, which adds, of what a client tells of itself. The artifact's name in it may confirm.</summary>
internal static class InventoryEndpoint
{
    private const int MaximumSize = 64 * 1024;

    public static async Task TakeAsync(HttpContext context, Caller caller)
    {
        if (await ClientBody.ReadAsync(context, MaximumSize, MenderJson.Default.InventoryAttributeArray) is not { } told)
            return;
        var services = context.RequestServices;
        var notes = services.GetRequiredService<ClientNotes>();
        if (Fault(Start(context, notes.Of(caller)), told) is { } fault)
        {
            await Problems.WriteAsync(context, Problems.Invalid(fault));
            return;
        }

        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var note = await notes.ChangeAsync(caller, known =>
        {
            var attributes = Start(context, known);
            return Fault(attributes, told) is null ? known with { Attributes = attributes, Told = now } : known;
        });
        // Nothing is handed out to it here, where it does not ask for anything.
        var says = ClientAttributes.SaysAnew(context.Request.Headers, note.Attributes) with { IsBusy = true };
        if (says.Version is not null && await services.GetRequiredService<DialectDesk>().AskAsync(caller, says) is null)
            await DialectAuthentication.RefuseAsync(context);
    }

    private static Dictionary<string, string> Start(HttpContext context, ClientNote known) =>
        HttpMethods.IsPatch(context.Request.Method) ? new Dictionary<string, string>(known.Attributes) : [];

    private static string? Fault(Dictionary<string, string> attributes, InventoryAttribute?[] told) =>
        told.Select(attribute => attribute is null
                ? "An attribute has a name and a value."
                : ClientAttributes.Add(attributes, attribute.Name ?? "", attribute.Value))
            .FirstOrDefault(fault => fault is not null);
}
