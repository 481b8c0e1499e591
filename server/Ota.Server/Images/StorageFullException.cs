namespace Ota.Server.Images;

/// <summary>
/// The disk or the quota under the image store is used up; whatever was begun has been removed again.
/// </summary>
internal sealed class StorageFullException(IOException cause) : IOException("There is no room left for images.", cause)
{
    private const int LinuxNoSpace = 28;
    private const int LinuxQuota = 122;
    private const int MacQuota = 69;
    private const int WindowsDiskFull = unchecked((int)0x80070070);
    private const int WindowsHandleDiskFull = unchecked((int)0x80070027);

    /// <summary>
    /// True when the fault means a full disk. On Unix .NET hands through the errno as HResult (ENOSPC is 28 on Linux
    /// and macOS, EDQUOT 122 and 69); on Windows it is the Win32 code as an HRESULT.
    /// </summary>
    public static bool Explains(IOException fault) =>
        fault.HResult is LinuxNoSpace or WindowsDiskFull or WindowsHandleDiskFull
        || (fault.HResult == LinuxQuota && OperatingSystem.IsLinux())
        || (fault.HResult == MacQuota && OperatingSystem.IsMacOS());
}
