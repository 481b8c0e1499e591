using System.Buffers.Text;
using System.Net;
using System.Text;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Pins;
using Ota.Server.Releases;
using Ota.Server.Secrets;
using Ota.Server.Settings;

namespace Ota.Server.Dialects.Blynk;

/// <summary>What a sketch is to fetch.</summary>
/// <param name="Body">Of the message that tells it.</param>
/// <param name="Then">The deployment as it stood then.</param>
internal sealed record BlynkPush(byte[] Body, Device Device, Deployment Then)
{
    /// <summary>True once its last byte is on its way.</summary>
    public bool IsTaken => Device.Delivering is { IsCompleted: false } || (Device.Open is { } now && now.Id == Then.Id && now != Then);
}

/// <summary>
/// Updates of clients that speak Blynk: a hello is an ask, and an image that the decision hands out is pushed as an address, which the sketch fetches
/// without credentials of its own. It runs when a later hello says so.
/// </summary>
internal sealed class BlynkUpdates(
    DialectDesk desk, SystemPinWriter statuses, MasterSecret master, ServerSettings settings, IServer server)
{
    /// <summary>What the library takes of an address.</summary>
    private const int LongestAddress = 252;

    private static readonly int Command = "ota\0".Length;

    public static void Map(IEndpointRouteBuilder app) =>
        app.MapGet($"/{ClientDialect.Blynk.Name}/{{{DialectAuthentication.Credential}}}/{{sha256}}", FetchAsync).ShortCircuit().ExcludeFromDescription();

    /// <summary>Whether this server updates it; an agent of ours that also speaks Blynk has a way of its own.</summary>
    public static bool Concerns(Device device) => device.Client?.Dialect == ClientDialect.Blynk;

    /// <summary>Asks for a client; what to push, if anything, and when to ask again. Null when it has another identity since it logged in.</summary>
    /// <param name="local">Where it reached this server.</param>
    public async Task<(BlynkPush? Push, TimeSpan AskAgain)?> AskAsync(Caller caller, BlynkHello hello, IPEndPoint local)
    {
        if (await desk.AskAsync(caller, new ClientSays(hello.Firmware)) is not { } answer)
            return null;
        if (answer is not { Release: { } release, Deployment: { } deployment })
            return (null, answer.AskAgain);
        var (address, most) = (AddressOf(caller, release, local), Math.Min(LongestAddress, hello.Buffer - Command));
        if (address.Length <= most)
            return (new BlynkPush(Encoding.ASCII.GetBytes("ota\0" + address), caller.Device, deployment), answer.AskAgain);
        await desk.ConcludeAsync(
            caller, deployment.Id, "failed", $"the image's address has {address.Length} characters, {most} can be told; a shorter BlynkUrl may help");
        return (null, answer.AskAgain);
    }

    /// <summary>Its check-now pin was written: the status says so before it is asked for.</summary>
    public Task CheckingAsync(Device device) => statuses.CheckingAsync(device, CancellationToken.None);

    private string AddressOf(Caller caller, Release release, IPEndPoint local)
    {
        var token = Base64Url.EncodeToString(master.DialectToken(caller.Device.Id, caller.Generation));
        var origin = settings.Blynk.Url ?? Beside(local);
        return $"{origin}/{ClientDialect.Blynk.Name}/{caller.Device.Id}.{token}/{release.Image.Sha256}";
    }

    // The same machine by the same address, on the port of the calls.
    private string Beside(IPEndPoint local)
    {
        var addresses = server.Features.Get<IServerAddressesFeature>()!.Addresses.Select(BindingAddress.Parse).OrderBy(address => address.Scheme != "http");
        var host = local.Address.IsIPv4MappedToIPv6 ? local.Address.MapToIPv4() : local.Address;
        var calls = addresses.First();
        return $"{calls.Scheme}://{new IPEndPoint(host, calls.Port)}";
    }

    private static async Task FetchAsync(HttpContext context)
    {
        var services = context.RequestServices;
        if (await services.GetRequiredService<DialectAuthentication>().AuthenticateAsync(context, ClientDialect.Blynk, mac: null) is not { } caller)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        var desk = services.GetRequiredService<DialectDesk>();
        if (desk.Fetchable(caller, (string)context.Request.RouteValues["sha256"]!) is { } release)
            await desk.ServeImmutableAsync(context, caller, release);
        else
            context.Response.StatusCode = StatusCodes.Status404NotFound;
    }
}
