using System.Runtime.InteropServices;

namespace Ota.Server.Images;

/// <summary>What .NET has no call for: making a rename survive a power cut.</summary>
internal static class Durability
{
    private const int ReadOnly = 0;
    private const int Interrupted = 4;
    private const int NotSupportedHere = 22;

    /// <summary>
    /// Writes a folder's entries to disk (fsync(2) of a directory: a rename is only durable once its folder is).
    /// Nothing to do on Windows, where a folder cannot be opened so and NTFS journals the rename.
    /// </summary>
    public static void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows())
            return;
        var descriptor = Open(path, ReadOnly);
        if (descriptor < 0)
            throw Fault("open", path);
        try
        {
            while (Sync(descriptor) != 0)
            {
                var error = Marshal.GetLastPInvokeError();
                // Some network file systems know no fsync of a folder; there is nothing better to ask of them.
                if (error == NotSupportedHere)
                    return;
                if (error != Interrupted)
                    throw Fault("fsync", path);
            }
        }
        finally
        {
            _ = Close(descriptor);
        }
    }

    private static IOException Fault(string call, string path)
    {
        var error = Marshal.GetLastPInvokeError();
        return new IOException($"{call} of '{path}' failed: {Marshal.GetPInvokeErrorMessage(error)}", error);
    }

    // DllImport, not LibraryImport: the latter's generated code needs unsafe blocks, which this project does without.
    [DllImport("libc", EntryPoint = "open", SetLastError = true)]
    private static extern int Open([MarshalAs(UnmanagedType.LPUTF8Str)] string path, int flags);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true)]
    private static extern int Sync(int descriptor);

    [DllImport("libc", EntryPoint = "close")]
    private static extern int Close(int descriptor);
}
