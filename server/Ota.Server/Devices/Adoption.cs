using System.Buffers.Text;
using Dapper;
using Ota.Server.CheckIns;
using Ota.Server.Data;
using Ota.Server.Products;
using Ota.Server.Secrets;
using Ota.Signing;

namespace Ota.Server.Devices;

/// <summary>What came of taking a client in that was not written for this server.</summary>
internal enum Adopted
{
    New,
    AlreadyThere,

    /// <summary>The hardware has another identity, which staff did not hand over.</summary>
    Conflict,
}

/// <summary>Gives hardware that a client runs on which was not written for this server its identity.</summary>
internal sealed class Adoption(Fleet fleet, Database database, MasterSecret master, TimeProvider time)
{
    private const string ProtectionSql = "UPDATE devices SET protection = @protection WHERE id = @id";

    /// <summary>A MAC is spelled <c>aa:bb:cc:dd:ee:ff</c>, however it came; anything else stays as it is.</summary>
    public static string Spelled(string hardwareId) => MacOf(hardwareId) ?? hardwareId;

    /// <summary>The MAC that a client names, as hardware id; null when it is none.</summary>
    public static string? MacOf(string? text)
    {
        if (text is not { Length: >= 12 and <= 17 })
            return null;
        var plain = DeviceNames.Plain(text);
        return Names.IsHex(plain, 12) ? string.Join(':', plain.Chunk(2).Select(pair => new string(pair))) : null;
    }

    /// <summary>The same hardware again keeps its identity, unless staff handed it over.</summary>
    /// <param name="hardwareId">As <see cref="Spelled"/>.</param>
    /// <param name="protection">What it is known to check; null for what is known of it, or usual in its dialect.</param>
    public Task<(Adopted Outcome, Device Device)> AdoptAsync(
        Product product, string hardwareId, string hardware, ClientDialect dialect, Protection? protection, CancellationToken cancellation) =>
        StaleException.RetryAsync(() => AdoptOnceAsync(product, hardwareId, hardware, dialect, protection, cancellation));

    private async Task<(Adopted Outcome, Device Device)> AdoptOnceAsync(
        Product product, string hardwareId, string hardware, ClientDialect dialect, Protection? protection, CancellationToken cancellation)
    {
        var client = new ForeignClient(dialect, protection ?? dialect.Protection);
        using var held = await fleet.LockHardwareAsync(hardwareId, cancellation);
        if (fleet.FindByHardware(product.Name, hardwareId) is not { } known)
        {
            var asked = new Enrollment(product.Name, EnrollmentKey: null, hardwareId, hardware, ClientCheckIn.UnknownVersion);
            return (Adopted.New, await EnrollmentEndpoint.AddAsync(NewId(), asked, client, fleet, database, time, cancellation));
        }

        if (known.Hardware == hardware && known.HandedOver
            && await EnrollmentEndpoint.StartOverAsync(known, client, database, fleet, time, cancellation))
            return (Adopted.New, known);
        if (known.Client?.Dialect != client.Dialect || known.Hardware != hardware)
            return (Adopted.Conflict, known);
        if (protection is not null && known.Client != client)
            await ProtectAsync(known, client, cancellation);
        return (Adopted.AlreadyThere, known);
    }

    // One whose token does not begin with a dash. On a command line that is an option: SWUpdate takes "-k -…d…" and from then on never asks.
    private string NewId()
    {
        string id;
        do
        {
            id = EnrollmentEndpoint.NewId();
        }
        while (Base64Url.EncodeToString(master.DialectToken(id, 1))[0] == '-');
        return id;
    }

    private async Task ProtectAsync(Device device, ForeignClient client, CancellationToken cancellation)
    {
        using var held = await fleet.LockAsync(device, cancellation);
        var word = ProtectionWords.Of(client.Protection);
        await database.WriteAsync(
            connection =>
            {
                connection.Execute(ProtectionSql, new { id = device.Id, protection = word });
                if (database.IsShared)
                    Changes.NoteDevice(connection, device.Id);
                Timeline.Append(connection, device.Id, time.GetUtcNow().ToUnixTimeMilliseconds(), "protection", $"Its client checks {word}");
            },
            cancellation,
            device.Basis);
        device.Client = client;
    }
}
