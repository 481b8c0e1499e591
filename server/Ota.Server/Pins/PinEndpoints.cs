using System.Buffers.Text;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Audit;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Http;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Server.Staff;

namespace Ota.Server.Pins;

/// <summary>A pin's last value, for staff and apps.</summary>
/// <param name="System">What the pin means to the server; null for a user's.</param>
/// <param name="Source"><c>app</c>, <c>device</c> or <c>server</c>.</param>
/// <param name="By">The name on the staff key; null unless an app wrote it.</param>
/// <param name="Listens">
/// Whether the device hears of a write to check-now at once; null in any other answer, and where several servers share the devices.
/// </param>
public sealed record PinView(int Pin, string? System, string Value, long Seq, DateTimeOffset At, string Source, string? By, bool? Listens = null);

/// <param name="Seq">What to ask after next.</param>
public sealed record PinsView(long Seq, IReadOnlyList<PinView> Pins);

/// <param name="Token">32 characters, as a sketch that speaks Blynk holds them; good for this device's pins and for nothing else.</param>
public sealed record BlynkTokenView(string Device, string Token);

/// <param name="Token">What goes behind <c>Bearer</c>; it is good for this device's pins and for nothing else.</param>
public sealed record PinTokenView(string Device, string Token);

internal static class PinEndpoints
{
    // All that a device can have.
    private const int MostPins = 512;

    public static void MapPins(this IEndpointRouteBuilder api)
    {
        var pins = api.MapGroup("/devices/{device}").WithTags("Pins");
        pins.MapGet("/pins", ListAsync).For(StaffRole.Viewer)
            .WithSummary("The pins of a device that were written after a seq; with wait, waits so many seconds for one");
        pins.MapGet("/pins/{pin}", Get).For(StaffRole.Viewer).WithSummary("One pin, by its number or a system pin's name");
        pins.MapPut("/pins/{pin}", PutAsync).For(StaffRole.Support).WithMetadata(new SmallBody(DevicePinEndpoints.MaximumSize))
            .WithSummary("Writes a pin; check-now makes a device that listens check in at once");
        pins.MapPost("/pin-token/blynk", BlynkTokenAsync).For(StaffRole.Support).WithSummary("The same for a client that speaks Blynk");
        pins.MapPost("/pin-token", TokenAsync).For(StaffRole.Support).WithSummary("A token that is good for this device's pins alone");
    }

    private static async Task<Results<Ok<PinsView>, ProblemHttpResult>> ListAsync(
        string device, Fleet fleet, ProductCatalog products, PinLines lines, CancellationToken cancellation,
        long after = 0, int wait = 0)
    {
        if (Asked.Of(after, wait, out var reason) is not { } asked)
            return Problems.Invalid(reason);
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        var rows = await lines.NextAsync(found, PinReader.Staff, asked.After, asked.Wait, MostPins, cancellation);
        var pins = products.Find(found.Product)!.Pins;
        return TypedResults.Ok(new PinsView(
            rows.Count > 0 ? rows[^1].Seq : asked.After,
            [.. rows.Select(row => View(row, pins)).OfType<PinView>().OrderBy(pin => pin.Seq)]));
    }

    private static Results<Ok<PinView>, ProblemHttpResult> Get(
        string device, string pin, Fleet fleet, ProductCatalog products, Database database)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        var pins = products.Find(found.Product)!.Pins;
        if (Number(pin, pins) is not { } number)
            return Misnamed();
        return database.Read(connection => PinTable.Find(connection, found.Id, PinPolicy.Kept(number, pins))) is { } row
            ? TypedResults.Ok(View(row, pins)!)
            : Problems.NotFound("value of pin", pin);
    }

    public static async Task<Results<Ok<PinView>, ProblemHttpResult>> PutAsync(
        string device, string pin, PinValue asked, Fleet fleet, ProductCatalog products, PinDesk desk, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        var pins = products.Find(found.Product)!.Pins;
        if (Number(pin, pins) is not { } number)
            return Misnamed();
        var system = pins.At(number);
        if (system is not (null or SystemPin.CheckNow))
            return Problems.Refused("system-pin", $"Pin {number} is the system pin {SystemPins.NameOf(system.Value)}, which the server writes.");
        // That it is written is the message.
        var value = asked.Value ?? (system is null ? null : "1");
        if (PinPolicy.Fault(value) is { } fault)
            return Problems.Invalid(fault);
        if (found.Decommissioned is not null)
            return Problems.Conflict("decommissioned", "This unit was decommissioned and has no identity; its next enrollment begins with no pins.");
        var listens = system == SystemPin.CheckNow ? desk.IsListening(found) : null;
        var row = await desk.WriteAsync(
            found, found.Generation, PinPolicy.Kept(number, pins), value!, PinSource.App, user.Who(), cancellation);
        return row is null ? throw new StaleException() : TypedResults.Ok(View(row, pins)! with { Listens = listens });
    }

    private static async Task<Results<Ok<PinTokenView>, ProblemHttpResult>> TokenAsync(
        string device, Fleet fleet, Database database, MasterSecret master, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        var generation = found.Generation;
        await AuditAsync(database, time, user, "device.pin-token", found, generation, cancellation);
        return TypedResults.Ok(new PinTokenView(found.Id, $"{found.Id}.{Base64Url.EncodeToString(master.PinToken(found.Id, generation))}"));
    }

    private static async Task<Results<Ok<BlynkTokenView>, ProblemHttpResult>> BlynkTokenAsync(
        string device, Fleet fleet, Database database, MasterSecret master, TimeProvider time, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (fleet.One(device, out var problem) is not { } found)
            return problem!;
        var generation = found.Generation;
        await AuditAsync(database, time, user, "device.blynk-token", found, generation, cancellation);
        return TypedResults.Ok(new BlynkTokenView(found.Id, BlynkToken.Of(found.Id, master.BlynkSecret(found.Id, generation))));
    }

    private static Task AuditAsync(
        Database database, TimeProvider time, ClaimsPrincipal user, string action, Device device, long generation, CancellationToken cancellation) =>
        database.WriteAsync(
            connection => AuditLog.Append(
                connection, time.GetUtcNow().ToUnixTimeMilliseconds(), user.Who(), action, device.Id, $"generation {generation}"),
            cancellation);

    private static int? Number(string pin, SystemPins pins) =>
        SystemPins.Named(pin) is { } system ? pins.NumberOf(system) : PinPolicy.Number(pin);

    private static ProblemHttpResult Misnamed() =>
        Problems.Invalid($"A pin is a number from 0 to {SystemPins.Highest}, or check-now, status, version, restart-cause or rssi.");

    private static PinView? View(PinRow row, SystemPins pins) => PinPolicy.Shown(row.Kept, pins) is not { } number
        ? null
        : new PinView(
            number, PinPolicy.System(row.Kept) is { } system ? SystemPins.NameOf(system) : null, row.Value, row.Seq, row.At,
            PinTable.Word(row.Source), row.Who);
}
