using System.Runtime.InteropServices;
using System.Text;
using Ota.Agent;

namespace Ota.Virtual;

/// <summary>
/// The serial port of a virtual device on Linux: a pseudo terminal whose other end programs open like a USB serial port
/// (pty(7)). What is said while nobody reads is lost once its buffer is full, as on a wire.
/// </summary>
internal sealed class PseudoTerminal : IConsoleWire, IDisposable
{
    private const int ReadWrite = 2;
    private const int NoControllingTerminal = 0x100;
    private const int NonBlocking = 0x800;

    private readonly LineBuffer _line = new();
    private readonly Queue<byte> _read = new();
    private readonly byte[] _buffer = new byte[256];
    private readonly int _master;
    private readonly int _slave;

    /// <exception cref="IOException">The system gave none.</exception>
    public PseudoTerminal()
    {
        if (!OperatingSystem.IsLinux())
            throw new IOException("A virtual serial port needs Linux.");
        var path = new byte[128];
        _master = OpenMaster(ReadWrite | NoControllingTerminal | NonBlocking);
        if (_master < 0 || Grant(_master) < 0 || Unlock(_master) < 0 || NameOf(_master, path, path.Length) != 0)
            throw new IOException("The system gave no pseudo terminal.");
        Path = Encoding.UTF8.GetString(path, 0, Array.IndexOf(path, (byte)0));

        // Kept open, or the wire would be gone between two programs.
        _slave = Open(path, ReadWrite | NoControllingTerminal);
    }

    /// <summary>What programs open, such as <c>/dev/pts/5</c>.</summary>
    public string Path { get; }

    public string? TakeLine()
    {
        for (nint count; (count = Read(_master, _buffer, _buffer.Length)) > 0;)
        {
            for (var i = 0; i < count; i++)
                _read.Enqueue(_buffer[i]);
        }

        while (_read.TryDequeue(out var b))
        {
            if (_line.Take(b) is { } line)
                return line;
        }

        return null;
    }

    public void Say(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        _ = Write(_master, bytes, bytes.Length);
    }

    public void Dispose()
    {
        _ = Close(_slave);
        _ = Close(_master);
    }

    [DllImport("libc", EntryPoint = "posix_openpt")]
    private static extern int OpenMaster(int flags);

    [DllImport("libc", EntryPoint = "grantpt")]
    private static extern int Grant(int fd);

    [DllImport("libc", EntryPoint = "unlockpt")]
    private static extern int Unlock(int fd);

    [DllImport("libc", EntryPoint = "ptsname_r")]
    private static extern int NameOf(int fd, byte[] name, nint size);

    [DllImport("libc", EntryPoint = "open")]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "read")]
    private static extern nint Read(int fd, byte[] buffer, nint count);

    [DllImport("libc", EntryPoint = "write")]
    private static extern nint Write(int fd, byte[] buffer, nint count);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int fd);
}
