using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;
using Ota.Server.Audit;
using Ota.Server.Data;

namespace Ota.Server.People;

/// <summary>What came of an attempt to sign in; <c>Person</c> when it was good, <c>Wait</c> when there were too many.</summary>
internal sealed record SignIn(Person? Person, TimeSpan? Wait);

/// <summary>
/// Signs people in. Nothing in its answers, nor in the time it takes, says whether a name exists, or which of name, password and code was wrong.
/// </summary>
internal sealed class SignInDesk(PeopleDirectory people, SignInGuard guard, Database database, TimeProvider time)
{
    // OWASP's figure for PBKDF2 with SHA-512.
    private const int Iterations = 210_000;

    // No id is empty.
    private const string Nobody = "";

    // Each takes a tenth of a second of a processor; more at once would keep devices waiting.
    private static readonly SemaphoreSlim Hashing = new(Math.Max(1, Environment.ProcessorCount / 2));

    private readonly PasswordHasher<SignInDesk> _hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = Iterations }));
    private string? _nobody;

    public async Task<string> HashAsync(string password, CancellationToken cancellation)
    {
        await Hashing.WaitAsync(cancellation);
        try
        {
            return _hasher.HashPassword(this, password);
        }
        finally
        {
            Hashing.Release();
        }
    }

    public async Task<SignIn> SignInAsync(string name, string password, string code, string address, CancellationToken cancellation)
    {
        if (await guard.BeginAsync(name, address, cancellation) is { } wait)
            return new SignIn(null, wait);
        var person = people.Named(name);
        var hash = person is { Disabled: null, Password: { } own } ? own : _nobody ??= await HashAsync("nobody's", cancellation);
        var isRight = await IsRightAsync(hash, password, cancellation);
        // Also after a wrong password: one write less would tell that it was the password and not the code.
        if (await people.SpendAsync(isRight && person is { Disabled: null, Password: not null } ? person.Id : Nobody, code, cancellation) is not { } proven)
            return new SignIn(null, null);
        await guard.SucceededAsync(name, address, cancellation);
        var at = time.GetUtcNow().ToUnixTimeMilliseconds();
        await database.WriteAsync(connection => AuditLog.Append(connection, at, proven.Name, "person.sign-in", proven.Name), cancellation);
        return new SignIn(proven, null);
    }

    /// <summary>Whether a person who is signed in knows their password; counted like an attempt to sign in.</summary>
    public async Task<bool> KnowsAsync(Person person, string password, string address, CancellationToken cancellation)
    {
        if (await guard.BeginAsync(person.Name, address, cancellation) is not null
            || person.Password is null || !await IsRightAsync(person.Password, password, cancellation))
            return false;
        await guard.SucceededAsync(person.Name, address, cancellation);
        return true;
    }

    private async Task<bool> IsRightAsync(string hash, string password, CancellationToken cancellation)
    {
        if (password.Length > SignInPolicy.LongestPassword)
            password = "";
        await Hashing.WaitAsync(cancellation);
        try
        {
            return _hasher.VerifyHashedPassword(this, hash, password) != PasswordVerificationResult.Failed;
        }
        finally
        {
            Hashing.Release();
        }
    }
}
