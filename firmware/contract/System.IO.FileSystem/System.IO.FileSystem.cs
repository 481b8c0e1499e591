// Signatures only, of what the firmware uses from System.IO.FileSystem; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.1.93.0")]

namespace System.IO
{
    public static class File
    {
        public static bool Exists(string p0) => throw null;
        public static byte[] ReadAllBytes(string p0) => throw null;
    }

    public enum FileAccess
    {
        Read = 1,
        Write = 2,
        ReadWrite = 3,
    }

    public enum FileMode
    {
        CreateNew = 1,
        Create = 2,
        Open = 3,
        OpenOrCreate = 4,
        Truncate = 5,
        Append = 6,
    }

    public class FileStream : System.IO.Stream
    {
        public override int Read(byte[] p0, int p1, int p2) => throw null;
        public override long Seek(long p0, System.IO.SeekOrigin p1) => throw null;
        public FileStream(string p0, System.IO.FileMode p1, System.IO.FileAccess p2) => throw null;
        public override void Write(byte[] p0, int p1, int p2) => throw null;
        public override long Length { get => throw null; }
        internal FileStream() => throw null;
    }
}
