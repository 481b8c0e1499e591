namespace Ota.Server.Data;

/// <summary>
/// Keeps a second server off the data folder: each holds in memory what it decides from, so two would contradict one another. A file that is
/// held open, so that the system lets go of it however the process ends.
/// </summary>
internal sealed class DataLock : IDisposable
{
    private readonly FileStream _file;

    private DataLock(FileStream file) => _file = file;

    /// <summary>Null while another server has it.</summary>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public static DataLock? TryTake(string data)
    {
        var path = Path.Combine(data, "ota.lock");
        try
        {
            return new DataLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException) when (File.Exists(path))
        {
            return null;
        }
    }

    public void Dispose() => _file.Dispose();
}
