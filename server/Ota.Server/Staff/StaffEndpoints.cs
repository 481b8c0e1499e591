using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Ota.Server.Http;

namespace Ota.Server.Staff;

public sealed record Whoami(string Name, string Role);

public sealed record NewStaffKey(string? Name, string? Role);

/// <summary><c>Key</c> is there only in the answer that made it.</summary>
public sealed record StaffKeyView(string Id, string Name, string Role, DateTimeOffset Created, DateTimeOffset? Revoked, string? Key = null);

internal static class StaffEndpoints
{
    public const string RoleFault = "The role is one of viewer, support, developer, admin.";

    public static void MapStaff(this IEndpointRouteBuilder api)
    {
        api.MapGet("/whoami", (ClaimsPrincipal user) => new Whoami(user.Who(), Text(user.Role())))
            .For(StaffRole.Viewer).WithTags("Staff").WithSummary("Whose key this is");
        var staff = api.MapGroup("/staff").WithTags("Staff").For(StaffRole.Admin);
        staff.MapGet("", (StaffDirectory directory) => directory.All().Select(key => View(key)).ToArray())
            .WithSummary("All staff keys, without the keys themselves");
        staff.MapPost("", AddAsync).WithSummary("Adds a key; it is shown this once");
        staff.MapPost("/{id}/revoke", RevokeAsync).WithSummary("Revokes a key at once");
    }

    public static async Task<Results<Created<StaffKeyView>, ProblemHttpResult>> AddAsync(
        NewStaffKey asked, StaffDirectory directory, ClaimsPrincipal user, CancellationToken cancellation)
    {
        if (asked.Name is not { Length: >= 1 and <= 100 } name || name.Any(char.IsControl))
            return Problems.Invalid("A staff key needs a name of 1 to 100 characters.");
        if (Role(asked.Role) is not { } role)
            return Problems.Invalid(RoleFault);
        var (added, key) = await directory.AddAsync(name, role, user.Who(), cancellation);
        return TypedResults.Created($"/api/v1/staff/{added.Id}", View(added, key));
    }

    public static async Task<Results<Ok<StaffKeyView>, ProblemHttpResult>> RevokeAsync(
        string id, StaffDirectory directory, ClaimsPrincipal user, CancellationToken cancellation) =>
        await directory.RevokeAsync(id, user.Who(), cancellation) switch
        {
            (Revocation.Revoked, { } key) => TypedResults.Ok(View(key)),
            (Revocation.LastAdmin, { } key) => Problems.Conflict("last-admin",
                $"'{key.Name}' ({key.Id}) is the last admin key: without it nobody could add or revoke keys any more. Add another admin first."),
            _ => Problems.NotFound("staff key", id),
        };

    /// <summary>The role a word names; null when it names none.</summary>
    public static StaffRole? Role(string? word) =>
        Enum.GetValues<StaffRole>().Where(role => Text(role) == word).Select(role => (StaffRole?)role).FirstOrDefault();

    private static string Text(StaffRole role) => role.ToString().ToLowerInvariant();

    private static StaffKeyView View(StaffKey key, string? text = null) =>
        new(key.Id, key.Name, Text(key.Role), key.Created, key.Revoked, text);
}
