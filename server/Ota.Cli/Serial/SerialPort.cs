using System.Runtime.InteropServices;
using System.Text;

namespace Ota.Cli.Serial;

/// <summary>
/// A serial port on Linux, 115200 8N1, raw (open(2), termios(3), poll(2)); the system has no managed one. The lines that reset many boards
/// are left as the driver has them, and not dropped at the end.
/// </summary>
internal sealed class SerialPort : IDisposable
{
    private const int ReadWrite = 2;
    private const int NoControllingTerminal = 0x100;
    private const int NonBlocking = 0x800;
    private const uint Speed115200 = 0x1002;
    private const int ApplyNow = 0;
    private const int Received = 0;
    private const int ExclusiveOrFail = 2 | 4;
    private const short Readable = 1;
    private const short Writable = 4;
    private const int NoSuchFile = 2;
    private const int NoSuchDevice = 6;
    private const int NotPermitted = 13;

    // struct termios of Linux on the architectures .NET runs on: four flag words, a byte, 19 characters, two speeds.
    private const int TermiosSize = 60;
    private const int ControlFlags = 8;
    private const uint Receiver = 0x80;
    private const uint HangUpOnClose = 0x400;
    private const uint IgnoreModemLines = 0x800;

    private readonly string _path;
    private readonly int _fd;
    private readonly byte[] _read = new byte[4096];

    private SerialPort(string path, int fd) => (_path, _fd) = (path, fd);

    public static SerialPort Open(string path)
    {
        if (!OperatingSystem.IsLinux())
            throw FailureException.Usage("'ota serial' works on Linux. Elsewhere any terminal program at 115200 8N1 will do: docs/protocol.md, \"Console\".");
        var fd = OpenFile(Encoding.UTF8.GetBytes(path + "\0"), ReadWrite | NoControllingTerminal | NonBlocking);
        if (fd < 0)
        {
            throw FailureException.Usage(Marshal.GetLastPInvokeError() switch
            {
                NoSuchFile or NoSuchDevice => $"There is no serial port {path}. A board on USB is usually /dev/ttyUSB0 or /dev/ttyACM0.",
                NotPermitted => $"You may not open {path}; on most systems the group 'dialout' may.",
                var error => $"{path} cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}.",
            });
        }

        var port = new SerialPort(path, fd);
        try
        {
            port.SetUp();
            return port;
        }
        catch
        {
            port.Dispose();
            throw;
        }
    }

    /// <summary>Forgets what came in and was not read.</summary>
    public void Flush() => _ = Flush(_fd, Received);

    /// <summary>What came in, waiting for some at most so long; empty when nothing did.</summary>
    public ReadOnlySpan<byte> Read(TimeSpan longest)
    {
        if (!Wait(Readable, longest))
            return [];
        var count = ReadFile(_fd, _read, _read.Length);
        return count > 0 ? _read.AsSpan(0, (int)count) : throw Gone();
    }

    public void Write(string text)
    {
        for (var rest = Encoding.UTF8.GetBytes(text); rest.Length > 0;)
        {
            if (!Wait(Writable, TimeSpan.FromSeconds(5)))
                throw FailureException.Unreachable($"{_path} takes nothing. Is another program holding it?");
            var count = WriteFile(_fd, rest, rest.Length);
            rest = count > 0 ? rest[(int)count..] : throw Gone();
        }
    }

    public void Dispose() => _ = CloseFile(_fd);

    private void SetUp()
    {
        var settings = new byte[TermiosSize];
        if (GetSettings(_fd, settings) != 0)
            throw FailureException.Usage($"{_path} is no serial port.");
        if (Lock(_fd, ExclusiveOrFail) != 0)
            throw FailureException.Usage($"{_path} is in use by another 'ota serial'.");
        MakeRaw(settings);
        _ = SetSpeed(settings, Speed115200);
        var flags = BitConverter.ToUInt32(settings, ControlFlags);
        BitConverter.TryWriteBytes(settings.AsSpan(ControlFlags), (flags | Receiver | IgnoreModemLines) & ~HangUpOnClose);
        if (SetSettings(_fd, ApplyNow, settings) != 0)
            throw FailureException.Usage($"{_path} cannot be set to 115200 8N1: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.");
    }

    private bool Wait(short what, TimeSpan longest)
    {
        var poll = new Polled { Fd = _fd, Events = what };
        return Poll(ref poll, 1, (int)longest.TotalMilliseconds) > 0;
    }

    private FailureException Gone() => FailureException.Unreachable($"{_path} went away; was the cable pulled?");

    [StructLayout(LayoutKind.Sequential)]
    private struct Polled
    {
        public int Fd;
        public short Events;
        public short Happened;
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int OpenFile(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "read")]
    private static extern nint ReadFile(int fd, byte[] buffer, nint count);

    [DllImport("libc", EntryPoint = "write")]
    private static extern nint WriteFile(int fd, byte[] buffer, nint count);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int CloseFile(int fd);

    [DllImport("libc", EntryPoint = "poll")]
    private static extern int Poll(ref Polled polled, nuint count, int milliseconds);

    [DllImport("libc", EntryPoint = "flock")]
    private static extern int Lock(int fd, int how);

    [DllImport("libc", EntryPoint = "tcgetattr")]
    private static extern int GetSettings(int fd, byte[] termios);

    [DllImport("libc", EntryPoint = "tcsetattr", SetLastError = true)]
    private static extern int SetSettings(int fd, int when, byte[] termios);

    [DllImport("libc", EntryPoint = "cfmakeraw")]
    private static extern void MakeRaw(byte[] termios);

    [DllImport("libc", EntryPoint = "cfsetspeed")]
    private static extern int SetSpeed(byte[] termios, uint speed);

    [DllImport("libc", EntryPoint = "tcflush")]
    private static extern int Flush(int fd, int what);
}
