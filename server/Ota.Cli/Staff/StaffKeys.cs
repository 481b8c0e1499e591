using System.CommandLine;
using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Staff;

internal sealed record NewStaff(string Name, string Role);

/// <param name="Key">The staff key itself: in the answer that made it, and never again.</param>
internal sealed record StaffMember(
    string Id,
    string Name,
    string Role,
    DateTimeOffset? Created,
    DateTimeOffset? Revoked,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Key);

/// <summary><c>ota staff add</c>, <c>list</c> and <c>revoke</c></summary>
internal static class StaffKeys
{
    private static readonly Argument<string> Name = new("name") { Description = "Who the key is for." };
    private static readonly Argument<string> Id = new("id") { Description = "The staff key's id, as 'ota staff list' shows it." };
    private static readonly Option<string> Role = new("--role")
    {
        Description = "viewer reads; support also groups, hands over and deploys to one device; developer also adds products and "
            + "releases and deploys to many; admin also manages staff.",
        Required = true,
    };

    public static Command Add { get; } = BuildAdd();

    public static Command List { get; } = new Verb("list", "List staff keys.", ListAsync);

    public static Command Revoke { get; } = new Verb("revoke", "Make a staff key worthless at once.", RevokeAsync) { Id };

    private static Verb BuildAdd()
    {
        Role.AcceptOnlyFromAmong("viewer", "support", "developer", "admin");
        return new Verb("add", "Make a staff key; it is shown this once.", AddAsync) { Name, Role };
    }

    private static async Task AddAsync(Call call, CancellationToken cancellation)
    {
        var (member, _) = await call.Api.PostAsync<NewStaff, StaffMember>(
            ApiPath.Of($"staff"), new NewStaff(call.Get(Name), call.Get(Role)!), cancellation);
        call.Screen.Show(member, screen =>
        {
            screen.Line(new Cell(member.Name, Tone.Strong), $", {member.Role}, staff key {member.Id}. It is shown this once:");
            Screen.Verbatim(Cell.Clean(member.Key));
        });
    }

    private static async Task ListAsync(Call call, CancellationToken cancellation)
    {
        var staff = await call.Api.GetAsync<StaffMember[]>(ApiPath.Of($"staff"), cancellation);
        call.Screen.Show(staff, screen => screen.Table(
            ["Id", "Name", "Role", "Added", "Revoked"],
            [.. staff.Select(member => new Cell[]
            {
                member.Id,
                new(member.Name, Tone.Strong),
                member.Role,
                When.Ago(member.Created, call.Now),
                new(When.Ago(member.Revoked, call.Now), Tone.Bad),
            })],
            "No staff key."));
    }

    private static async Task RevokeAsync(Call call, CancellationToken cancellation)
    {
        var (member, _) = await call.Api.PostAsync<StaffMember>(ApiPath.Of($"staff/{call.Get(Id)}/revoke"), cancellation);
        call.Screen.Show(member, screen => screen.Line("Revoked: ", new Cell(member.Name, Tone.Strong), $", staff key {member.Id}."));
    }
}
