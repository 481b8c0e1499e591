using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Ota.Virtual;

/// <summary>
/// The folder a fleet lives in: its random id, one flash file a device, and a lock that keeps a second process out.
/// </summary>
internal sealed class FleetFolder : IDisposable
{
    private readonly string _folder;
    private readonly string _id;
    private readonly FileStream _lock;

    private FleetFolder(string folder, FileStream heldLock)
    {
        _folder = folder;
        _lock = heldLock;
        _id = ReadOrMakeId(Path.Combine(folder, "fleet.id"));
    }

    /// <exception cref="IOException">Another process lives in this folder, or it cannot be written.</exception>
    public static FleetFolder Open(string folder)
    {
        Directory.CreateDirectory(folder);
        try
        {
            var path = Path.Combine(folder, "fleet.lock");
            return new FleetFolder(
                folder, new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException fault)
        {
            throw new IOException(
                $"The fleet in '{folder}' is in use by another process. Give each process its own.", fault);
        }
    }

    /// <summary>
    /// Like a MAC address, locally administered; the same again for the same folder, product and index, and no other.
    /// </summary>
    public string HardwareId(string product, int index)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{_id}\0{product}\0{index}"));
        return "02:" + string.Join(':', hash.Take(5).Select(b => b.ToString("x2", null)));
    }

    public string FlashFile(string hardwareId) =>
        Path.Combine(_folder, hardwareId.Replace(":", "", StringComparison.Ordinal) + ".flash");

    public void Dispose() => _lock.Dispose();

    private static string ReadOrMakeId(string path)
    {
        if (File.Exists(path) && File.ReadAllText(path) is { Length: > 0 } id)
            return id;

        // Whole or not at all, or a killed process would leave devices that nobody finds again.
        var made = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        File.WriteAllText(path + ".new", made);
        File.Move(path + ".new", path, overwrite: true);
        return made;
    }
}
