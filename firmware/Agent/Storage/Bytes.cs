using System;
using System.Text;

namespace Ota.Agent;

/// <summary>Puts the fields of a record one behind the other, little-endian; grows as needed.</summary>
internal sealed class ByteWriter
{
    private byte[] _bytes;
    private int _length;

    public ByteWriter(int expected) => _bytes = new byte[expected];

    public void Byte(int value)
    {
        Reserve(1);
        _bytes[_length++] = (byte)value;
    }

    public void UInt(uint value)
    {
        for (var i = 0; i < 4; i++)
            Byte((int)(value >> (8 * i)) & 0xff);
    }

    public void Long(long value)
    {
        UInt((uint)value);
        UInt((uint)(value >> 32));
    }

    /// <summary>A text of at most 65,535 UTF-8 bytes; null becomes empty.</summary>
    public void Text(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value ?? "");
        Byte(bytes.Length & 0xff);
        Byte(bytes.Length >> 8);
        Raw(bytes);
    }

    public void Raw(byte[] bytes)
    {
        Reserve(bytes.Length);
        Array.Copy(bytes, 0, _bytes, _length, bytes.Length);
        _length += bytes.Length;
    }

    public byte[] ToArray()
    {
        var all = new byte[_length];
        Array.Copy(_bytes, 0, all, 0, _length);
        return all;
    }

    private void Reserve(int more)
    {
        if (_length + more <= _bytes.Length)
            return;
        var larger = new byte[(_length + more) * 2];
        Array.Copy(_bytes, 0, larger, 0, _length);
        _bytes = larger;
    }
}

/// <summary>
/// Takes the fields of a record off again. The record's checksum was found good, so a short one is a bug.
/// </summary>
internal sealed class ByteReader
{
    private readonly byte[] _bytes;
    private int _at;

    public ByteReader(byte[] bytes) => _bytes = bytes;

    public int Byte() => _bytes[_at++];

    public uint UInt()
    {
        uint value = 0;
        for (var i = 0; i < 4; i++)
            value |= (uint)_bytes[_at++] << (8 * i);
        return value;
    }

    public long Long()
    {
        long low = UInt();
        return low | ((long)UInt() << 32);
    }

    public string Text()
    {
        var length = Byte() | (Byte() << 8);
        _at += length;
        return Encoding.UTF8.GetString(_bytes, _at - length, length);
    }

    public byte[] Raw(int count)
    {
        var raw = new byte[count];
        Array.Copy(_bytes, _at, raw, 0, count);
        _at += count;
        return raw;
    }
}
