namespace Ota.Server.Images;

/// <summary>
/// The image storage does not answer, or refuses us; it may answer later. The reason is a sentence without a stop. What
/// the storage's client threw is not kept with it: its messages may quote a request's signature, and this one is
/// logged.
/// </summary>
internal sealed class StorageUnavailableException(string reason) : IOException(reason + ".")
{
    public string Reason { get; } = reason;
}
