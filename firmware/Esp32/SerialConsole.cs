using System.IO.Ports;
using System.Text;

namespace Ota.Esp32;

/// <summary>
/// The serial console, 115200 8N1, for a unit that no network reaches. Lines in, one line out for each; read without
/// waiting between two turns of the agent.
/// </summary>
internal sealed class SerialConsole
{
    private const int LongestLine = 256;

    private readonly SerialPort _port;
    private readonly byte[] _line = new byte[LongestLine];
    private int _length;

    public SerialConsole(string port)
    {
        _port = new SerialPort(port, 115200, Parity.None, 8, StopBits.One);
        _port.Open();
    }

    /// <summary>A line that came in whole, or null.</summary>
    public string TakeLine()
    {
        while (_port.BytesToRead > 0)
        {
            var b = _port.ReadByte();
            if (b == '\n' || b == '\r')
            {
                var length = _length;
                _length = 0;
                if (length > 0 && length <= LongestLine)
                    return Encoding.UTF8.GetString(_line, 0, length);
            }
            else if (_length < LongestLine && b >= 0)
            {
                _line[_length++] = (byte)b;
            }
            else
            {
                // Too long: what follows until the line's end is not taken for a line.
                _length = LongestLine + 1;
            }
        }

        return null;
    }

    public void Say(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        _port.Write(bytes, 0, bytes.Length);
    }
}
