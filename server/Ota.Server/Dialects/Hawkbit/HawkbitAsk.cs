using Ota.Server.CheckIns;
using Ota.Server.Deployments;
using Ota.Server.Devices;

namespace Ota.Server.Dialects.Hawkbit;

/// <summary>What a client's poll, its attributes and its last feedback ask alike.</summary>
internal static class HawkbitAsk
{
    /// <summary>Null when it has another identity since it was asked who it is: refuse it.</summary>
    public static async Task<DialectAnswer?> AskAsync(HttpContext context, Caller caller, ClientNote note, ClientSays says)
    {
        var desk = context.RequestServices.GetRequiredService<DialectDesk>();
        var now = context.RequestServices.GetRequiredService<TimeProvider>().GetUtcNow();
        var tells = string.IsNullOrWhiteSpace(says.Version) ? Telling.Nothing : Telling.Version;
        var answer = await desk.AskAsync(caller, says with { IsBusy = HawkbitPolicy.IsBusy(caller.Device.Open, note, now, tells) });
        if (answer is not null && caller.Device.Open is { } open && HawkbitPolicy.HasReverted(open, note, now, tells))
            await desk.ConcludeAsync(caller, open.Id, "reverted", $"it said that it is done, and still says {says.Version} a day later");
        return answer;
    }

    /// <summary>
    /// What its attributes and its last feedback ask: their answers show it no action, so that nothing is offered by them, and no time, so that it keeps to
    /// what its poll was told.
    /// </summary>
    public static async Task<DialectAnswer?> HearAsync(HttpContext context, Caller caller, ClientNote note, ClientSays says)
    {
        var (services, device, next) = (context.RequestServices, caller.Device, caller.Device.Heard?.Next);
        // What a recovery build says is news once; the way back follows from it then or never, also after the recovery was given up.
        var isNews = device.Open is { IsTwoStep: true, Offered: not null }
            || (says.Version is { } version
                && services.GetRequiredService<StrandedRecoveries>().MayBeStranded(device, ClientCheckIn.Spelled(version.Trim())));
        var answer = await AskAsync(context, caller, note, says with { IsLooking = !isNews });
        if (answer is not null && device.Heard is { } heard && next > heard.At)
            services.GetRequiredService<DialectDesk>().Expect(caller, next.Value - heard.At);
        return answer;
    }
}
