using System.Globalization;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Products;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>GET of the base resource: what there is to do, and when to ask again.</summary>
internal static class PollEndpoint
{
    // Between them hawkBit's own limits: a client with no work asks at most so often, and a day is the most that the format can say.
    private static readonly TimeSpan Soonest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Latest = new(23, 59, 59);
    private static readonly TimeSpan AtWork = TimeSpan.FromMinutes(5);

    public static async Task GetAsync(HttpContext context, Caller caller)
    {
        var services = context.RequestServices;
        var notes = services.GetRequiredService<ClientNotes>();
        var now = services.GetRequiredService<TimeProvider>().GetUtcNow();
        var note = notes.Of(caller);
        // One that is to stop first is shown nothing else.
        var says = ClientAttributes.Says(context.Request.Headers, note.Attributes) with
        {
            IsLooking = IsStopped(services, note, caller.Device.Open) is not null, Shown = HawkbitPolicy.DeploymentOf(note.Action),
        };
        if (await HawkbitAsk.AskAsync(context, caller, note, says) is not { } answer)
        {
            await DialectAuthentication.RefuseAsync(context);
            return;
        }

        var open = caller.Device.Open;
        var usual = services.GetRequiredService<ProductCatalog>().Find(caller.Device.Product)!.Poll.Interval;
        var work = HawkbitPolicy.WorkOf(open, note, answer.Release?.Id);
        var calledOff = IsStopped(services, note, open);
        if (calledOff is null && work == HawkbitWork.Deploy && note.Action != HawkbitPolicy.ActionOf(open!))
            note = await notes.ChangeAsync(caller, known => known with { Action = HawkbitPolicy.ActionOf(open!), At = now });
        var sleep = SleepOf(open is null ? answer.AskAgain : Sooner(Sooner(answer.AskAgain, AtWork), usual));
        services.GetRequiredService<DialectDesk>().Expect(caller, sleep);
        await HawkbitEndpoints.WriteAsync(
            context,
            new PollAnswer(
                new PollConfig(new Polling(sleep.ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture))),
                new PollLinks(
                    calledOff is null && work == HawkbitWork.Deploy ? To(context, "deploymentBase", note.Action, ArtifactEndpoint.Tag(open!)) : null,
                    calledOff is { } stop ? To(context, "cancelAction", stop) : null,
                    note.Closed != 0 && work != HawkbitWork.Tell ? To(context, "installedBase", note.Closed) : null,
                    calledOff is null && HawkbitPolicy.WantsAttributes(open, note, now) ? HawkbitEndpoints.Link(context, "/configData") : null)),
            HawkbitJson.Default.PollAnswer);
    }

    // The action that it is to stop; null for none.
    private static long? IsStopped(IServiceProvider services, ClientNote note, Deployment? open)
    {
        if (note.Action == 0 || (open is not null && HawkbitPolicy.DeploymentOf(note.Action) == open.Id))
            return null;
        var shown = services.GetRequiredService<Database>().Read(
            connection => DeploymentTable.Find(connection, HawkbitPolicy.DeploymentOf(note.Action)));
        return shown?.State.IsCalledOff() == true ? note.Action : null;
    }

    private static Href To(HttpContext context, string what, long action, string? query = null) =>
        HawkbitEndpoints.Link(context, string.Create(CultureInfo.InvariantCulture, $"/{what}/{action}{query}"));

    private static TimeSpan Sooner(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private static TimeSpan SleepOf(TimeSpan wait) => wait < Soonest ? Soonest : wait > Latest ? Latest : wait;
}
