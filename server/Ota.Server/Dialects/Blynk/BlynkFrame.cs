using System.Buffers.Binary;

namespace Ota.Server.Dialects.Blynk;

/// <summary>The commands that mean something here (blynk-library, src/Blynk/BlynkProtocolDefs.h).</summary>
internal static class BlynkCommand
{
    public const byte Response = 0;
    public const byte Login = 2;
    public const byte Ping = 6;
    public const byte Sync = 16;
    public const byte Internal = 17;
    public const byte Hardware = 20;
    public const byte HardwareLogin = 29;
    public const byte Event = 64;
}

/// <summary>What a response says in the place of a length.</summary>
internal enum BlynkStatus : ushort
{
    QuotaLimit = 1,
    IllegalCommand = 2,
    NotAuthenticated = 5,
    InvalidToken = 9,
    Ok = 200,
}

/// <summary>One message of the binary protocol. What is in <see cref="Body"/> is good until the next one is asked for.</summary>
/// <param name="Status">Of a response, which has no body; 0 else.</param>
internal readonly record struct BlynkFrame(byte Command, ushort Id, ushort Status, ReadOnlyMemory<byte> Body)
{
    /// <summary>Command (1), id (2) and length or status (2), the larger end first.</summary>
    public const int HeaderSize = 5;

    /// <summary>Bytes of a body.</summary>
    public const int LongestBody = 4096;

    /// <summary>Takes the frame that what was received begins with.</summary>
    /// <param name="size">Bytes that it takes.</param>
    public static BlynkReading Read(ReadOnlyMemory<byte> received, out BlynkFrame frame, out int size)
    {
        (frame, size) = (default, 0);
        if (received.Length < HeaderSize)
            return BlynkReading.Unfinished;
        var header = received.Span;
        var (command, id, length) = (header[0], BinaryPrimitives.ReadUInt16BigEndian(header[1..]), BinaryPrimitives.ReadUInt16BigEndian(header[3..]));
        if (id == 0 || (command != BlynkCommand.Response && length > LongestBody))
            return BlynkReading.Illegal;
        var (body, status) = command == BlynkCommand.Response ? ((ushort)0, length) : (length, (ushort)0);
        if (received.Length < HeaderSize + body)
            return BlynkReading.Unfinished;
        size = HeaderSize + body;
        frame = new BlynkFrame(command, id, status, received.Slice(HeaderSize, body));
        return BlynkReading.Frame;
    }

    /// <summary>Writes a header; what it takes is <see cref="HeaderSize"/>.</summary>
    /// <param name="length">Of the body, or a response's status.</param>
    public static void WriteHeader(Span<byte> to, byte command, ushort id, ushort length)
    {
        to[0] = command;
        BinaryPrimitives.WriteUInt16BigEndian(to[1..], id);
        BinaryPrimitives.WriteUInt16BigEndian(to[3..], length);
    }
}

/// <summary>What the bytes received so far are.</summary>
internal enum BlynkReading
{
    Frame,

    /// <summary>More must come.</summary>
    Unfinished,

    /// <summary>Not this protocol, or too long; whatever follows cannot be told apart.</summary>
    Illegal,
}
