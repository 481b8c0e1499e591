using System;

namespace Ota.Agent;

/// <summary>
/// Where small records live: two places for each kind, so that one is whole while the other is written.
/// A write may be torn by a power cut and then leaves anything at all in its own place, and nothing elsewhere.
/// </summary>
internal interface IRecords
{
    /// <summary>What the place holds, or null when it was never written or cannot be read. May be torn.</summary>
    /// <param name="kind">One of <see cref="RecordKind"/>.</param>
    /// <param name="place">0 or 1.</param>
    byte[] Read(int kind, int place);

    /// <summary>Replaces what the place holds; durable when it returns.</summary>
    /// <exception cref="StorageFaultException">The storage refused.</exception>
    void Write(int kind, int place, byte[] record);
}

/// <summary>The kinds of small records.</summary>
internal static class RecordKind
{
    public const int State = 0;
    public const int Identity = 1;
    public const int Keys = 2;
    public const int Networks = 3;
    public const int Count = 4;
}

/// <summary>One place for an image and the statement that describes it.</summary>
internal interface ISlot
{
    /// <summary>Bytes of the largest image that fits.</summary>
    int Capacity { get; }

    /// <summary>Forgets the slot's statement and stores another one; the image's bytes may stay as they are.</summary>
    /// <exception cref="StorageFaultException">The storage refused.</exception>
    void WriteStatement(byte[] statement);

    /// <summary>The stored statement as it reads now, or null when there is none. May be torn.</summary>
    byte[] ReadStatement();

    /// <summary>
    /// Writes one chunk, whatever was there before. Chunks come in ascending order, except that a new attempt starts
    /// again at a lower one. <paramref name="offset"/> is a multiple of 4096. Durable when it returns.
    /// </summary>
    /// <exception cref="StorageFaultException">The storage refused.</exception>
    void Write(int offset, byte[] chunk);

    /// <summary>Reads image bytes; false when the slot holds fewer.</summary>
    bool Read(int offset, byte[] buffer);
}

/// <summary>The storage refused a write: full, worn out or gone.</summary>
internal sealed class StorageFaultException : Exception
{
    public StorageFaultException(string message)
        : base(message)
    {
    }
}
