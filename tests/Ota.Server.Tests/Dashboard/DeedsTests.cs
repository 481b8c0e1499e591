using System.Reflection;
using System.Security.Claims;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.Extensions.DependencyInjection;
using Ota.Server.Dashboard;
using Ota.Server.People;
using Ota.Server.Products;
using Ota.Server.Releases;
using Ota.Server.Rollouts;
using Ota.Server.Staff;
using Ota.Server.Tests.Running;

namespace Ota.Server.Tests.Dashboard;

/// <summary>Who may do what at the dashboard, whatever buttons a page shows. A new deed that is not in this table fails the test.</summary>
public sealed class DeedsTests
{
    private const string Refused = "Your role may not do that.";

    private static readonly Dictionary<string, (StaffRole Least, Func<Deeds, Release, Task<string?>> Do)> Table = new()
    {
        [nameof(Deeds.CheckNowAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.CheckNowAsync("1")).Refusal),
        [nameof(Deeds.DeployAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.DeployAsync(new("kettle", "7.0.0", "1"))).Refusal),
        [nameof(Deeds.CancelAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.CancelAsync(1)).Refusal),
        [nameof(Deeds.RecoverAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.RecoverAsync("1", new("why"))).Refusal),
        [nameof(Deeds.DecommissionAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.DecommissionAsync("1", new("why"))).Refusal),
        [nameof(Deeds.LabelAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.LabelAsync("1")).Refusal),
        [nameof(Deeds.HandOverAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.HandOverAsync("1", "why")).Refusal),
        [nameof(Deeds.GroupAsync)] = (StaffRole.Support, async (deeds, _) => (await deeds.GroupAsync("1", "lab")).Refusal),
        [nameof(Deeds.WithdrawAsync)] = (StaffRole.Developer, async (deeds, release) => (await deeds.WithdrawAsync(release, "why")).Refusal),
        [nameof(Deeds.PlanAsync)] = (StaffRole.Viewer, async (deeds, _) => (await deeds.PlanAsync(new("kettle", "7.0.0"))).Refusal),
        [nameof(Deeds.StartAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.StartAsync(new("kettle", "7.0.0"))).Refusal),
        [nameof(Deeds.SteerAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.SteerAsync(1, RolloutDeed.Pause, "why")).Refusal),
        [nameof(Deeds.AddProductAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.AddProductAsync(new("pan", [], [], null))).Refusal),
        [nameof(Deeds.SetPollAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.SetPollAsync("kettle", "every 1h")).Refusal),
        [nameof(Deeds.SetSignalAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.SetSignalAsync("kettle", null)).Refusal),
        [nameof(Deeds.SetRetentionAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.SetRetentionAsync("kettle", null)).Refusal),
        [nameof(Deeds.SetPinsAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.SetPinsAsync("kettle", null)).Refusal),
        [nameof(Deeds.SetDialectsAsync)] =
            (StaffRole.Developer, async (deeds, _) => (await deeds.SetDialectsAsync("kettle", DialectRules.Usual)).Refusal),
        [nameof(Deeds.FollowAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.FollowAsync("kettle", null)).Refusal),
        [nameof(Deeds.RotateKeysAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.RotateKeysAsync("kettle", "")).Refusal),
        [nameof(Deeds.SetBlynkCloudAsync)] = (StaffRole.Developer, async (deeds, _) => (await deeds.SetBlynkCloudAsync("kettle", null)).Refusal),
        [nameof(Deeds.SetStepAsync)] = (StaffRole.Developer, async (deeds, release) => (await deeds.SetStepAsync(release, new(true))).Refusal),
        [nameof(Deeds.AddKeyAsync)] = (StaffRole.Admin, async (deeds, _) => (await deeds.AddKeyAsync(new("machine", "viewer"))).Refusal),
        [nameof(Deeds.RevokeKeyAsync)] = (StaffRole.Admin, async (deeds, _) => (await deeds.RevokeKeyAsync("1")).Refusal),
        [nameof(Deeds.AddPersonAsync)] = (StaffRole.Admin, async (deeds, _) => (await deeds.AddPersonAsync(new("Somebody", "viewer"))).Refusal),
        [nameof(Deeds.InviteAsync)] = (StaffRole.Admin, async (deeds, _) => (await deeds.InviteAsync("1")).Refusal),
        [nameof(Deeds.SetRoleAsync)] = (StaffRole.Admin, async (deeds, _) => (await deeds.SetRoleAsync("1", "admin")).Refusal),
        [nameof(Deeds.DisableAsync)] = (StaffRole.Admin, async (deeds, _) => (await deeds.DisableAsync("1")).Refusal),
        [nameof(Deeds.EnableAsync)] = (StaffRole.Admin, async (deeds, _) => (await deeds.EnableAsync("1")).Refusal),
    };

    [Fact]
    public async Task Every_deed_is_refused_to_all_but_the_roles_that_may_and_to_whose_session_has_ended()
    {
        var deedsThere = typeof(Deeds).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Select(method => method.Name).Where(name => name != nameof(Deeds.MayAsync));
        Assert.Equal(Table.Keys.Order(StringComparer.Ordinal), deedsThere.Order(StringComparer.Ordinal));

        await using var server = await RunningServer.StartAsync();
        await server.AddProductAsync();
        using var uploaded = await server.UploadAsync(ABuild.Of("1.0.0"));
        var release = server.App.Services.GetRequiredService<ReleaseCatalog>().All()[0];
        var people = server.App.Services.GetRequiredService<PeopleDirectory>();
        foreach (var role in Enum.GetValues<StaffRole>())
        {
            var (person, _) = (await people.AddAsync(role.ToString(), role, "test", CancellationToken.None))!.Value;
            using var scope = server.App.Services.CreateScope();
            var deeds = ActivatorUtilities.CreateInstance<Deeds>(scope.ServiceProvider, new SignedIn(person.ToPrincipal()));
            foreach (var (name, (least, deed)) in Table)
                Assert.Equal((role, name, role >= least), (role, name, await deed(deeds, release) != Refused));

            await people.EndSessionsAsync(person, CancellationToken.None);
            foreach (var (name, (_, deed)) in Table)
                Assert.Equal((role, name, Refused), (role, name, await deed(deeds, release)));
        }
    }

    // The circuit's own says who was there when it began.
    private sealed class SignedIn(ClaimsPrincipal user) : AuthenticationStateProvider
    {
        public override Task<AuthenticationState> GetAuthenticationStateAsync() => Task.FromResult(new AuthenticationState(user));
    }
}
