using System.CommandLine;
using System.Text.Json.Serialization;
using Ota.Cli.Api;
using Ota.Cli.Output;

namespace Ota.Cli.Staff;

internal sealed record NewPerson(string Name, string Role);

internal sealed record PersonRole(string Role);

/// <param name="Code">What the person chooses a password with: in the answer that made it, and never again.</param>
internal sealed record Person(
    string Id,
    string Name,
    string Role,
    string State,
    bool SecondFactor,
    DateTimeOffset? Created,
    DateTimeOffset? Disabled,
    string? Provider,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Code);

/// <summary><c>ota person add</c>, <c>list</c>, <c>invite</c>, <c>role</c>, <c>disable</c> and <c>enable</c></summary>
internal static class People
{
    private static readonly Argument<string> Name = new("name") { Description = "The name to sign in with." };
    private static readonly Argument<string> Id = new("id") { Description = "The person's id, as 'ota person list' shows it." };
    private static readonly Argument<string> NewRole = new("role") { Description = "viewer, support, developer or admin." };
    private static readonly Option<string> Role = new("--role") { Description = "viewer, support, developer or admin.", Required = true };

    public static Command Command { get; } = Build();

    private static Command Build()
    {
        Role.AcceptOnlyFromAmong("viewer", "support", "developer", "admin");
        NewRole.AcceptOnlyFromAmong("viewer", "support", "developer", "admin");
        return new Command("person", "People who sign in at the dashboard, for admins.")
        {
            new Verb("add", "Add a person; they choose a password with the code that is shown.", AddAsync) { Name, Role },
            new Verb("list", "List people.", ListAsync),
            new Verb("invite", "Void a person's password and second factor; show a code to choose a new one.", InviteAsync) { Id },
            new Verb("role", "Change a person's role.", RoleAsync) { Id, NewRole },
            new Verb(
                "disable", "End a person's sessions, and let them sign in no more.", (call, cancellation) => SwitchAsync(call, "disable", cancellation)) { Id },
            new Verb("enable", "Let a person sign in again.", (call, cancellation) => SwitchAsync(call, "enable", cancellation)) { Id },
        };
    }

    private static async Task AddAsync(Call call, CancellationToken cancellation)
    {
        var (person, _) = await call.Api.PostAsync<NewPerson, Person>(
            ApiPath.Of($"people"), new NewPerson(call.Get(Name)!, call.Get(Role)!), cancellation);
        ShowCode(call, person);
    }

    private static async Task InviteAsync(Call call, CancellationToken cancellation)
    {
        var (person, _) = await call.Api.PostAsync<Person>(ApiPath.Of($"people/{call.Get(Id)}/invite"), cancellation);
        ShowCode(call, person);
    }

    private static void ShowCode(Call call, Person person) => call.Screen.Show(person, screen =>
    {
        screen.Line(
            new Cell(person.Name, Tone.Strong), $", {person.Role}, chooses a password at /setup with this code, within three days. It is shown this once:");
        Screen.Verbatim(Cell.Clean(person.Code));
    });

    private static async Task ListAsync(Call call, CancellationToken cancellation)
    {
        var people = await call.Api.GetAsync<Person[]>(ApiPath.Of($"people"), cancellation);
        call.Screen.Show(people, screen => screen.Table(
            ["Id", "Name", "Role", "State", "Signs in with", "Second factor", "Added"],
            [.. people.Select(person => new Cell[]
            {
                person.Id,
                new(person.Name, Tone.Strong),
                person.Role,
                person.State,
                person.Provider ?? "password",
                person.Provider is not null ? "-" : person.SecondFactor ? "on" : "off",
                When.Ago(person.Created, call.Now),
            })],
            "Nobody yet; the first person is made at /setup."));
    }

    private static async Task RoleAsync(Call call, CancellationToken cancellation) =>
        Tell(call, await call.Api.PutAsync<PersonRole, Person>(
            ApiPath.Of($"people/{call.Get(Id)}/role"), new PersonRole(call.Get(NewRole)!), cancellation));

    private static async Task SwitchAsync(Call call, string how, CancellationToken cancellation)
    {
        var (person, _) = await call.Api.PostAsync<Person>(ApiPath.Of($"people/{call.Get(Id)}/{how}"), cancellation);
        Tell(call, person);
    }

    private static void Tell(Call call, Person person) =>
        call.Screen.Show(person, screen => screen.Line(new Cell(person.Name, Tone.Strong), $", {person.Role}, is {person.State}."));
}
