using System.Buffers.Binary;
using Ota.Agent;

namespace Ota.Virtual;

/// <summary>
/// Where things lie: the records' places first, then two slots, each a statement's blocks and the image's.
/// </summary>
internal sealed class FlashLayout(SimulatedFlash flash, int slotCapacity)
{
    private const int RecordPlace = 2 * SimulatedFlash.Block;
    private const int StatementPlace = 5 * SimulatedFlash.Block;
    private const int SlotsStart = RecordKind.Count * 2 * RecordPlace;

    public IRecords Records { get; } = new FlashRecords(flash);

    public ISlot[] Slots { get; } =
    [
        new FlashSlot(flash, SlotsStart, slotCapacity),
        new FlashSlot(flash, SlotsStart + StatementPlace + slotCapacity, slotCapacity),
    ];

    /// <summary>Bytes of a flash with two slots of this capacity, which is a multiple of the block.</summary>
    public static int SizeFor(int slotCapacity) => SlotsStart + 2 * (StatementPlace + slotCapacity);

    /// <summary>Where image byte 0 of a slot lies, for tests that damage it.</summary>
    public static int ImageOffset(int slot, int slotCapacity) =>
        SlotsStart + slot * (StatementPlace + slotCapacity) + StatementPlace;

    // Length first, then the bytes. Torn ones are returned as they are: the record's own checksum is the judge.
    private static byte[]? Read(SimulatedFlash flash, int offset, int place)
    {
        Span<byte> header = stackalloc byte[4];
        flash.Read(offset, header);
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header);
        if (length > place - 4)
            return null;
        var bytes = new byte[length];
        flash.Read(offset + 4, bytes);
        return bytes;
    }

    private static void Write(SimulatedFlash flash, int offset, int place, byte[] bytes)
    {
        if (bytes.Length > place - 4)
            throw new StorageFaultException("it does not fit");
        var all = new byte[4 + bytes.Length];
        BinaryPrimitives.WriteInt32LittleEndian(all, bytes.Length);
        bytes.CopyTo(all, 4);
        flash.Replace(offset, all);
    }

    private sealed class FlashRecords(SimulatedFlash flash) : IRecords
    {
        public byte[]? Read(int kind, int place) => FlashLayout.Read(flash, Offset(kind, place), RecordPlace);

        public void Write(int kind, int place, byte[] record) =>
            FlashLayout.Write(flash, Offset(kind, place), RecordPlace, record);

        private static int Offset(int kind, int place) => (kind * 2 + place) * RecordPlace;
    }

    private sealed class FlashSlot(SimulatedFlash flash, int start, int capacity) : ISlot
    {
        public int Capacity => capacity;

        public void WriteStatement(byte[] statement) => FlashLayout.Write(flash, start, StatementPlace, statement);

        public byte[]? ReadStatement() => FlashLayout.Read(flash, start, StatementPlace);

        public void Write(int offset, byte[] chunk)
        {
            if (offset + chunk.Length > capacity)
                throw new StorageFaultException("it does not fit");
            flash.Replace(start + StatementPlace + offset, chunk);
        }

        public bool Read(int offset, byte[] buffer)
        {
            if (offset + buffer.Length > capacity)
                return false;
            flash.Read(start + StatementPlace + offset, buffer);
            return true;
        }
    }
}
