namespace Ota.Server.Images;

/// <summary>An image that goes out to one client, byte by byte watched.</summary>
/// <param name="CacheControl">What may be kept of the answer.</param>
/// <param name="MayGoOnAt">Whether the client has all bytes before this one; only asked where it does not say of which image it has some.</param>
/// <param name="Went">Told from which byte to which, not included, some went out.</param>
/// <param name="MayEndAsync">Asked before the last byte goes out; false to cut the connection in its place.</param>
/// <param name="EndedAsync">Told once it went out.</param>
internal sealed record Handout(
    string CacheControl, Func<long, bool> MayGoOnAt, Action<long, long> Went, Func<Task<bool>> MayEndAsync, Func<Task> EndedAsync);
