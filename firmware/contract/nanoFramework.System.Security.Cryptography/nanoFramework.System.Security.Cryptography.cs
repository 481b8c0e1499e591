// Signatures only, of what the firmware uses from nanoFramework.System.Security.Cryptography; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.0.38.0")]

namespace System.Security.Cryptography
{
    public class HMACSHA256 : System.IDisposable
    {
        public static byte[] HashData(byte[] p0, byte[] p1) => throw null;
        public HMACSHA256() => throw null;
        void System.IDisposable.Dispose() => throw null;
    }
}
