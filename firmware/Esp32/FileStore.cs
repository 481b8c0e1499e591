using System;
using System.IO;
using Ota.Agent;

namespace Ota.Esp32;

/// <summary>
/// Records as small files. Each place is a file of its own, written anew and committed by closing it; nothing is ever
/// renamed. What a torn write leaves is for the record's checksum to refuse.
/// </summary>
internal sealed class FileRecords : IRecords
{
    public byte[] Read(int kind, int place)
    {
        try
        {
            var path = PathOf(kind, place);
            return File.Exists(path) ? File.ReadAllBytes(path) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Write(int kind, int place, byte[] record)
    {
        try
        {
            using (var file = new FileStream(PathOf(kind, place), FileMode.Create, FileAccess.Write))
                file.Write(record, 0, record.Length);
        }
        catch (IOException fault)
        {
            throw new StorageFaultException(fault.Message);
        }
    }

    private static string PathOf(int kind, int place) => "I:\\ota-r" + kind.ToString() + place.ToString();
}

/// <summary>
/// A slot as two files, statement and image. A chunk is durable once the file was closed behind it, so the file is
/// opened for each chunk; the chunk's buffer is the agent's own, used again and again.
/// </summary>
internal sealed class FileSlot : ISlot
{
    private readonly string _statement;
    private readonly string _image;

    public FileSlot(string name, int capacity)
    {
        _statement = "I:\\ota-" + name + ".jws";
        _image = "I:\\ota-" + name + ".img";
        Capacity = capacity;
    }

    public int Capacity { get; }

    public void WriteStatement(byte[] statement)
    {
        try
        {
            using (var file = new FileStream(_statement, FileMode.Create, FileAccess.Write))
                file.Write(statement, 0, statement.Length);
        }
        catch (IOException fault)
        {
            throw new StorageFaultException(fault.Message);
        }
    }

    public byte[] ReadStatement()
    {
        try
        {
            return File.Exists(_statement) ? File.ReadAllBytes(_statement) : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    public void Write(int offset, byte[] chunk)
    {
        if (offset + chunk.Length > Capacity)
            throw new StorageFaultException("it does not fit");
        try
        {
            // From the beginning the old image goes at once, or both would have to fit.
            var mode = offset == 0 ? FileMode.Create : FileMode.OpenOrCreate;
            using (var file = new FileStream(_image, mode, FileAccess.ReadWrite))
            {
                if (file.Length < offset)
                    throw new StorageFaultException("there is a hole before it");
                file.Seek(offset, SeekOrigin.Begin);
                file.Write(chunk, 0, chunk.Length);
            }
        }
        catch (IOException fault)
        {
            throw new StorageFaultException(fault.Message);
        }
    }

    public bool Read(int offset, byte[] buffer)
    {
        try
        {
            if (!File.Exists(_image))
                return false;
            using (var file = new FileStream(_image, FileMode.Open, FileAccess.Read))
            {
                if (file.Length < offset + buffer.Length)
                    return false;
                file.Seek(offset, SeekOrigin.Begin);
                for (var count = 0; count < buffer.Length;)
                {
                    var read = file.Read(buffer, count, buffer.Length - count);
                    if (read <= 0)
                        return false;
                    count += read;
                }

                return true;
            }
        }
        catch (IOException)
        {
            return false;
        }
    }
}
