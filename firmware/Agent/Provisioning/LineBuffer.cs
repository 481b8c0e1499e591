using System.Text;

namespace Ota.Agent;

/// <summary>Puts the bytes of a serial line together to lines of at most <see cref="Longest"/> bytes.</summary>
internal sealed class LineBuffer
{
    /// <summary>Room for a bundle with the longest network there is.</summary>
    public const int Longest = 1024;

    private readonly byte[] _line = new byte[Longest];
    private int _length;

    /// <summary>Takes a byte; the line that it ends, or null. What is too long is dropped up to its end.</summary>
    public string Take(int b)
    {
        if (b != '\n' && b != '\r')
        {
            if (_length < Longest)
                _line[_length] = (byte)b;
            if (_length <= Longest)
                _length++;
            return null;
        }

        var length = _length;
        _length = 0;
        return length > 0 && length <= Longest ? Encoding.UTF8.GetString(_line, 0, length) : null;
    }
}
