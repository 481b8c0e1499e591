// Signatures only, of what the firmware uses from System.IO.Ports; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.1.139.0")]

namespace System.IO.Ports
{
    public enum Parity
    {
        None = 0,
        Odd = 1,
        Even = 2,
    }

    public sealed class SerialPort : System.IDisposable
    {
        public int ReadByte() => throw null;
        public SerialPort(string p0, int p1, System.IO.Ports.Parity p2, int p3, System.IO.Ports.StopBits p4) => throw null;
        public void Open() => throw null;
        public void Write(byte[] p0, int p1, int p2) => throw null;
        public int BytesToRead { get => throw null; }
        public int ReadBufferSize { set => throw null; }
        void System.IDisposable.Dispose() => throw null;
    }

    public enum StopBits
    {
        One = 1,
        Two = 2,
        OnePointFive = 3,
    }
}
