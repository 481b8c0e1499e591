// Signatures only, of what the firmware uses from System.IO.Streams; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.1.96.0")]

namespace System.IO
{
    public enum SeekOrigin
    {
        Begin = 0,
        Current = 1,
        End = 2,
    }

    public abstract class Stream : System.MarshalByRefObject, System.IDisposable
    {
        public abstract int Read(byte[] p0, int p1, int p2);
        public abstract long Seek(long p0, System.IO.SeekOrigin p1);
        protected Stream() => throw null;
        public abstract void Write(byte[] p0, int p1, int p2);
        public abstract long Length { get; }
        void System.IDisposable.Dispose() => throw null;
    }
}
