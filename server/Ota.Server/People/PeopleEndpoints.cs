using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Http;
using Ota.Server.Staff;

namespace Ota.Server.People;

public sealed record NewPerson(string? Name, string? Role);

public sealed record RoleChange(string? Role);

/// <summary>People as admins keep them; each chooses a password with the code that this answers.</summary>
internal static class PeopleEndpoints
{
    public static void MapPeople(this IEndpointRouteBuilder api)
    {
        var people = api.MapGroup("/people").WithTags("People").For(StaffRole.Admin);
        people.MapGet("", (PeopleDirectory directory) => directory.All().Select(person => PersonView.Of(person)).ToArray())
            .WithSummary("All people who sign in at the dashboard");
        people.MapPost("", AddAsync).WithSummary("Adds a person; the code to choose a password with is shown this once");
        people.MapPost("/{person}/invite", InviteAsync)
            .WithSummary("Voids a person's password and second factor, ends their sessions, and answers a new code to choose a password with");
        people.MapPut("/{person}/role", RoleAsync).WithSummary("Changes a person's role; their sessions end");
        people.MapPost("/{person}/disable", DisableAsync).WithSummary("Lets a person sign in no more, and ends their sessions");
        people.MapPost("/{person}/enable", EnableAsync).WithSummary("Lets a person sign in again");
    }

    public static async Task<Results<Created<PersonView>, ProblemHttpResult>> AddAsync(
        NewPerson asked, PeopleDirectory directory, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (SignInPolicy.NameFault(asked.Name) is { } fault)
            return Problems.Invalid(fault);
        if (StaffEndpoints.Role(asked.Role) is not { } role)
            return Problems.Invalid(StaffEndpoints.RoleFault);
        return await directory.AddAsync(asked.Name!, role, user.Who(), cancellation) is var (person, code)
            ? TypedResults.Created($"/api/v1/people/{person.Id}", PersonView.Of(person, code))
            : Problems.Conflict("person-exists", $"There is already a person '{asked.Name!.Trim()}'.");
    }

    public static async Task<Results<Ok<PersonView>, ProblemHttpResult>> InviteAsync(
        string person, PeopleDirectory directory, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (directory.Find(person) is not { } found)
            return Problems.NotFound("person", person);
        if (OfProvider(found) is { } refused)
            return refused;
        var code = await directory.InviteAsync(found, user.Who(), cancellation);
        return TypedResults.Ok(PersonView.Of(directory.Find(person)!, code));
    }

    public static async Task<Results<Ok<PersonView>, ProblemHttpResult>> RoleAsync(
        string person, RoleChange asked, PeopleDirectory directory, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (directory.Find(person) is not { } found)
            return Problems.NotFound("person", person);
        if (OfProvider(found) is { } refused)
            return refused;
        return StaffEndpoints.Role(asked.Role) is { } role
            ? TypedResults.Ok(PersonView.Of(await directory.SetRoleAsync(found, role, user.Who(), cancellation)))
            : Problems.Invalid(StaffEndpoints.RoleFault);
    }

    public static async Task<Results<Ok<PersonView>, ProblemHttpResult>> DisableAsync(
        string person, PeopleDirectory directory, ClaimsPrincipal user, CancellationToken cancellation) =>
        directory.Find(person) is { } found
            ? TypedResults.Ok(PersonView.Of(await directory.DisableAsync(found, user.Who(), cancellation)))
            : Problems.NotFound("person", person);

    public static async Task<Results<Ok<PersonView>, ProblemHttpResult>> EnableAsync(
        string person, PeopleDirectory directory, ClaimsPrincipal user, CancellationToken cancellation) =>
        directory.Find(person) is { } found
            ? TypedResults.Ok(PersonView.Of(await directory.EnableAsync(found, user.Who(), cancellation)))
            : Problems.NotFound("person", person);

    // What the provider says of them at the next sign-in would undo it, and a password would be a way around its second factor.
    private static ProblemHttpResult? OfProvider(Person person) => person.Account is { Issuer: var issuer }
        ? Problems.Conflict("provider", $"'{person.Name}' signs in with {issuer}: change password and role there. 'disable' keeps them out here.")
        : null;
}
