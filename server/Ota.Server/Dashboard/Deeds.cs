using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Data;
using Ota.Server.Deployments;
using Ota.Server.Devices;
using Ota.Server.Dialects.Blynk;
using Ota.Server.Http;
using Ota.Server.People;
using Ota.Server.Pins;
using Ota.Server.Products;
using Ota.Server.Provisioning;
using Ota.Server.Recovery;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Secrets;
using Ota.Server.Settings;
using Ota.Server.Staff;

namespace Ota.Server.Dashboard;

/// <summary>What came of a deed: what the slice answered, or why it was refused, in its words.</summary>
internal sealed record Answer<T>(T? Value, string? Refusal)
    where T : class;

/// <summary>
/// What people do at the dashboard: the same calls that the API makes, so with the same checks and the same lines in the audit log, each for the
/// role that the API demands. The session is looked at again with each, for a circuit may outlive it.
/// </summary>
internal sealed class Deeds(
    AuthenticationStateProvider session, IAuthorizationService authorization, PeopleDirectory people, Fleet fleet, ProductCatalog products,
    ReleaseCatalog releases, RolloutBoard board, RolloutDesk rollouts, RolloutViews views, DeploymentDesk desk, PinDesk pins, Database database,
    StaffDirectory staff, MasterSecret master, ServerSettings settings, TimeProvider time)
{
    private const string NotYours = "Your role may not do that.";

    public Task<Answer<PinView>> CheckNowAsync(string device) => DoAsync<PinView>(
        StaffRole.Support, async (user, end) => await PinEndpoints.PutAsync(device, "check-now", new PinValue(null), fleet, products, pins, user, end));

    public Task<Answer<Started>> DeployAsync(NewDeployment asked) => DoAsync<Started>(
        StaffRole.Support, async (user, end) => await DeploymentEndpoints.StartAsync(asked, products, releases, fleet, board, desk, time, user, end));

    public Task<Answer<DeploymentView>> CancelAsync(long deployment) => DoAsync<DeploymentView>(
        StaffRole.Support, async (user, end) => await DeploymentEndpoints.CancelAsync(deployment, database, desk, releases, user, end));

    public Task<Answer<DeploymentView>> RecoverAsync(string device, NewRecovery asked) => DoAsync<DeploymentView>(
        StaffRole.Support,
        async (user, end) => await RecoveryEndpoints.RecoverAsync(device, asked, fleet, products, releases, desk, settings, time, user, end));

    public Task<Answer<DeploymentView>> DecommissionAsync(string device, NewDecommission asked) => DoAsync<DeploymentView>(
        StaffRole.Support, async (user, end) => await RecoveryEndpoints.DecommissionAsync(device, asked, fleet, releases, desk, settings, time, user, end));

    public Task<Answer<RescueNetwork>> LabelAsync(string device) => DoAsync<RescueNetwork>(
        StaffRole.Support, async (user, end) => await UnitEndpoints.ShowAsync(device, fleet, master, database, time, user, end));

    public Task<Answer<DeviceView>> HandOverAsync(string device, string? reason) => DoAsync<DeviceView>(
        StaffRole.Support, async (user, end) => await DeviceEndpoints.HandOverAsync(device, fleet, database, time, user, end, new HandOver(reason)));

    public Task<Answer<DeviceView>> GroupAsync(string device, string? group) => DoAsync<DeviceView>(
        StaffRole.Support, async (user, end) => await DeviceEndpoints.GroupAsync(device, new GroupChange(group), fleet, database, time, user, end));

    public Task<Answer<ReleaseView>> WithdrawAsync(Release release, string? reason) => DoAsync<ReleaseView>(
        StaffRole.Developer, async (user, end) => await ReleaseEndpoints.WithdrawAsync(
            release.Product, release.Version, products, releases, desk, user, end, new Withdrawal(reason), release.Hardware[0], release.Kind));

    public Task<Answer<RolloutPlanView>> PlanAsync(NewRollout asked) => DoAsync<RolloutPlanView>(
        StaffRole.Viewer, (user, _) => Task.FromResult<INestedHttpResult>(RolloutEndpoints.Plan(asked, products, releases, views, time, user)));

    public Task<Answer<RolloutView>> StartAsync(NewRollout asked) => DoAsync<RolloutView>(
        StaffRole.Developer, async (user, end) => await RolloutEndpoints.StartAsync(asked, products, releases, board, views, time, user, end));

    public Task<Answer<RolloutView>> SteerAsync(long rollout, RolloutDeed deed, string? reason) => DoAsync<RolloutView>(
        StaffRole.Developer,
        async (user, end) => await new RolloutCall(rollout, board, rollouts, views, user, end, new RolloutReason(reason)).DoAsync(deed));

    public Task<Answer<ProductView>> AddProductAsync(NewProduct asked) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await ProductEndpoints.AddAsync(asked, products, master, time, user, end));

    public Task<Answer<ProductView>> SetPollAsync(string product, string poll) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await ProductEndpoints.PollAsync(product, new PollChange(poll), products, master, user, end));

    public Task<Answer<ProductView>> SetSignalAsync(string product, SignalPolicy? signal) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await ProductEndpoints.SignalAsync(product, new SignalChange(signal), products, master, user, end));

    public Task<Answer<ProductView>> SetRetentionAsync(string product, ImageRetention? retention) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await ProductEndpoints.RetentionAsync(product, new RetentionChange(retention), products, master, user, end));

    public Task<Answer<ProductView>> SetPinsAsync(string product, SystemPins? pins) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await ProductEndpoints.PinsAsync(product, new PinsChange(pins), products, master, user, end));

    public Task<Answer<ProductView>> SetDialectsAsync(string product, DialectRules rules) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await ProductEndpoints.DialectsAsync(product, new DialectsChange(rules), products, master, user, end));

    /// <param name="plan">Null to follow no channel.</param>
    public Task<Answer<ProductView>> FollowAsync(string product, JsonElement? plan) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await FollowEndpoint.FollowAsync(
            product, new FollowChange(plan ?? JsonSerializer.SerializeToElement<string?>(null)), products, master, time, user, end));

    public Task<Answer<ProductView>> RotateKeysAsync(string product, string statement) => DoAsync<ProductView>(
        StaffRole.Developer, async (user, end) => await ProductEndpoints.RotateAsync(product, statement, products, master, user, end));

    public Task<Answer<CloudView>> SetBlynkCloudAsync(string product, string? url) => DoAsync<CloudView>(
        StaffRole.Developer, async (user, end) => await BlynkCloudEndpoints.SetAsync(product, new CloudChange(url), products, settings, user, end));

    public Task<Answer<ReleaseView[]>> SetStepAsync(Release release, StepChange asked) => DoAsync<ReleaseView[]>(
        StaffRole.Developer,
        async (user, end) => await ReleaseEndpoints.StepAsync(release.Product, release.Version, asked, products, releases, board, user, end));

    public Task<Answer<StaffKeyView>> AddKeyAsync(NewStaffKey asked) => DoAsync<StaffKeyView>(
        StaffRole.Admin, async (user, end) => await StaffEndpoints.AddAsync(asked, staff, user, end));

    public Task<Answer<StaffKeyView>> RevokeKeyAsync(string id) => DoAsync<StaffKeyView>(
        StaffRole.Admin, async (user, end) => await StaffEndpoints.RevokeAsync(id, staff, user, end));

    public Task<Answer<PersonView>> AddPersonAsync(NewPerson asked) => DoAsync<PersonView>(
        StaffRole.Admin, async (user, end) => await PeopleEndpoints.AddAsync(asked, people, user, end));

    public Task<Answer<PersonView>> InviteAsync(string person) => DoAsync<PersonView>(
        StaffRole.Admin, async (user, end) => await PeopleEndpoints.InviteAsync(person, people, user, end));

    public Task<Answer<PersonView>> SetRoleAsync(string person, string role) => DoAsync<PersonView>(
        StaffRole.Admin, async (user, end) => await PeopleEndpoints.RoleAsync(person, new RoleChange(role), people, user, end));

    public Task<Answer<PersonView>> DisableAsync(string person) => DoAsync<PersonView>(
        StaffRole.Admin, async (user, end) => await PeopleEndpoints.DisableAsync(person, people, user, end));

    public Task<Answer<PersonView>> EnableAsync(string person) => DoAsync<PersonView>(
        StaffRole.Admin, async (user, end) => await PeopleEndpoints.EnableAsync(person, people, user, end));

    /// <summary>Who is asking, if they are of this role and their session goes on; else null.</summary>
    public async Task<ClaimsPrincipal?> MayAsync(StaffRole role)
    {
        var user = (await session.GetAuthenticationStateAsync()).User;
        var may = people.Of(user) is not null && (await authorization.AuthorizeAsync(user, resource: null, SessionCookie.PolicyOf(role))).Succeeded;
        return may ? user : null;
    }

    // What is begun is done, whatever becomes of the browser.
    private async Task<Answer<T>> DoAsync<T>(StaffRole role, Func<ClaimsPrincipal, CancellationToken, Task<INestedHttpResult>> deed)
        where T : class
    {
        if (await MayAsync(role) is not { } user)
            return new Answer<T>(null, NotYours);
        try
        {
            // Beside the page, which goes on drawing: some deeds look at every device.
            var answer = await StaleException.RetryAsync(() => Task.Run(() => deed(user, CancellationToken.None)));
            return answer.Result switch
            {
                ProblemHttpResult problem => new Answer<T>(null, problem.ProblemDetails.Detail),
                IValueHttpResult { Value: T value } => new Answer<T>(value, null),
                var other => throw new InvalidOperationException($"A deed was answered with {other.GetType().Name}."),
            };
        }
        catch (StaleException)
        {
            return new Answer<T>(null, "Another server changed this again and again meanwhile. Ask again.");
        }
        catch (DatabaseGoneException)
        {
            return new Answer<T>(null, "The database does not answer; nothing of this is known to be kept. Ask again in a few seconds.");
        }
    }
}
