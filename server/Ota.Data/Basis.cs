namespace Ota.Server.Data;

/// <summary>
/// What a decision rested on: the facts of one device as they stood when the changes had come this far. Where several servers write, it is
/// void once another of them has changed that device since.
/// </summary>
/// <param name="Position">The last change that was in the facts.</param>
internal readonly record struct Basis(string Device, long Position);

/// <summary>Another server changed what a decision rested on. Nothing was written; decide again.</summary>
internal sealed class StaleException() : Exception("Another server changed this meanwhile.")
{
    private const int MostTries = 5;

    /// <summary>Decides again as long as others are faster; the last time that is the caller's to tell.</summary>
    public static async Task<T> RetryAsync<T>(Func<Task<T>> decide)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await decide();
            }
            catch (StaleException) when (tries < MostTries)
            {
                // Whoever takes the device's lock next reads its facts anew.
            }
        }
    }
}
