// Signatures only, of what the firmware uses from nanoFramework.System.Text; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.3.42.0")]

namespace System.Text
{
    public abstract class Encoding
    {
        public virtual byte[] GetBytes(string p0) => throw null;
        public virtual string GetString(byte[] p0, int p1, int p2) => throw null;
        protected Encoding() => throw null;
        public static System.Text.Encoding UTF8 { get => throw null; }
    }

    public sealed class StringBuilder
    {
        public System.Text.StringBuilder Append(char p0) => throw null;
        public System.Text.StringBuilder Append(long p0) => throw null;
        public StringBuilder() => throw null;
    }
}
