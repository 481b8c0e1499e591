// Signatures only, of what the firmware uses from nanoFramework.Runtime.Native; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.7.11.0")]

namespace System
{
    public static class Environment
    {
        public static long TickCount64 { get => throw null; }
    }
}

namespace nanoFramework.Runtime.Native
{
    public static class GC
    {
        public static uint Run(bool p0) => throw null;
    }

    public class Power
    {
        public Power() => throw null;
        public static void RebootDevice(nanoFramework.Runtime.Native.RebootOption p0) => throw null;
    }

    public enum RebootOption
    {
        NormalReboot = 0,
        EnterNanoBooter = 1,
        ClrOnly = 2,
        EnterProprietaryBooter = 8,
    }

    public static class Rtc
    {
        public static bool SetSystemTime(global::System.DateTime p0) => throw null;
    }
}
