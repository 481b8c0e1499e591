namespace Ota.Server.Images;

/// <summary>An image that goes out to one client, whose last byte is watched.</summary>
/// <param name="CacheControl">What may be kept of the answer.</param>
/// <param name="MayEndAsync">Asked before the last byte goes out; false to cut the connection in its place.</param>
/// <param name="EndedAsync">Told once it went out.</param>
internal sealed record Handout(string CacheControl, Func<Task<bool>> MayEndAsync, Func<Task> EndedAsync);
