using System.IO.Ports;
using System.Text;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>The UART of the console, 115200 8N1, read without waiting.</summary>
internal sealed class SerialConsole : IConsoleWire
{
    private readonly SerialPort _port;
    private readonly LineBuffer _line = new LineBuffer();

    public SerialConsole(string port)
    {
        _port = new SerialPort(port, 115200, Parity.None, 8, StopBits.One);

        // A whole line may come while the agent is busy with a network.
        _port.ReadBufferSize = 2 * LineBuffer.Longest;
        _port.Open();
    }

    public string TakeLine()
    {
        while (_port.BytesToRead > 0)
        {
            var line = _line.Take(_port.ReadByte());
            if (line != null)
                return line;
        }

        return null;
    }

    public void Say(string line)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\n");
        _port.Write(bytes, 0, bytes.Length);
    }
}
