using System.Security.Cryptography;
using Ota.Server.Settings;

namespace Ota.Server.Secrets;

/// <summary>The server's folder: made at the first start, its secrets readable by their owner alone.</summary>
internal sealed class DataDirectory
{
    private const UnixFileMode OwnerFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnerFolder = OwnerFile | UnixFileMode.UserExecute;
    private readonly string _path;
    private readonly string? _masterKeyFile;

    public DataDirectory(ServerSettings settings)
    {
        _path = settings.Data;
        _masterKeyFile = settings.MasterKeyFile;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(_path);
        else
            Directory.CreateDirectory(_path, OwnerFolder);
    }

    public string Database => Path.Combine(_path, "ota.db");

    public string AdminKey => Path.Combine(_path, "admin.key");

    /// <summary>The code that makes the first person.</summary>
    public string SetupCode => Path.Combine(_path, "setup.code");

    /// <summary>
    /// The master secret: made when there is no database yet. A database without its secret is refused, because a new secret would
    /// lock out every device in the field.
    /// </summary>
    public MasterSecret MasterSecret()
    {
        var path = _masterKeyFile ?? Path.Combine(_path, "master.key");
        if (File.Exists(path))
            return Read(path);
        if (_masterKeyFile is not null)
            throw new SettingFault($"Setting MasterKeyFile names {path}, and there is no such file. It holds 64 hex digits, like master.key in a data folder.");
        if (File.Exists(Database))
        {
            throw new SettingFault(
                $"{path} is missing, but there is a database beside it. Restore master.key from its backup: "
                + "with a new one no device that is in the field could ever check in again.");
        }

        WriteSecret(path, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)) + "\n");
        return Read(path);
    }

    /// <summary>Writes a file that only its owner may read, whole or not at all.</summary>
    public static void WriteSecret(string path, string text)
    {
        var fresh = path + ".new";
        File.Delete(fresh);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnerFile;
        using (var stream = new FileStream(fresh, options))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
            stream.Flush(flushToDisk: true);
        }

        File.Move(fresh, path, overwrite: true);
    }

    private static MasterSecret Read(string path)
    {
        var text = File.ReadAllText(path).Trim();
        if (text.Length != 64 || !text.All(char.IsAsciiHexDigit))
            throw new SettingFault($"{path} must hold 64 hex digits (32 bytes), and does not.");
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~OwnerFile) != 0)
            throw new SettingFault($"{path} can be read by others than its owner. Run: chmod 600 {path}");
        return new MasterSecret(Convert.FromHexString(text));
    }
}
