using Ota.Server.Settings;

namespace Ota.Server.Secrets;

/// <summary>
/// Keeps a second server off the data folder: each holds in memory what it decides from, so two would contradict one another. A file that is
/// held open, so that the system lets go of it however the process ends.
/// </summary>
internal sealed class DataLock : IDisposable
{
    private readonly FileStream _file;

    private DataLock(FileStream file) => _file = file;

    /// <exception cref="SettingFault">Another server has it.</exception>
    public static DataLock Take(string data)
    {
        var path = Path.Combine(data, "ota.lock");
        try
        {
            return new DataLock(new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException) when (File.Exists(path))
        {
            throw new SettingFault($"Another server runs on the data folder {data}. Stop that one, or give this one a folder of its own with --data.");
        }
    }

    public void Dispose() => _file.Dispose();
}
