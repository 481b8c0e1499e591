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
    /// <exception cref="ArgumentException">Its devices of this product are made as other hardware.</exception>
    public static FleetFolder Open(FleetOptions options)
    {
        var folder = options.StateFolder;
        Directory.CreateDirectory(folder);
        FleetFolder opened;
        try
        {
            var path = Path.Combine(folder, "fleet.lock");
            opened = new FleetFolder(
                folder, new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException fault)
        {
            throw new IOException(
                $"The fleet in '{folder}' is in use by another process. Give each process its own.", fault);
        }

        if (opened.HardwareOf(options.Product, options.Hardware) is { } other && other != options.Hardware)
        {
            opened.Dispose();
            throw new ArgumentException(
                $"The virtual devices of '{options.Product}' in {folder} are made as {other}, not as {options.Hardware}: "
                + $"give --hardware {other}, or another folder with --state.");
        }

        return opened;
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

    // What the devices were made as, since they enrolled as that.
    private string HardwareOf(string product, string hardware) =>
        ReadOrMake(Path.Combine(_folder, $"fleet.{product}.hardware"), () => hardware);

    private static string ReadOrMakeId(string path) =>
        ReadOrMake(path, () => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16)));

    private static string ReadOrMake(string path, Func<string> make)
    {
        if (File.Exists(path) && File.ReadAllText(path) is { Length: > 0 } there)
            return there;

        // Whole or not at all, or a killed process would leave devices that nobody finds again.
        var made = make();
        File.WriteAllText(path + ".new", made);
        File.Move(path + ".new", path, overwrite: true);
        return made;
    }
}
