using Ota.Agent.Tests.Lab;

namespace Ota.Agent.Tests.Slots;

/// <summary>The slot image (docs/protocol.md §5) as a device reads it before it loads anything.</summary>
public sealed class NanoContainerTests
{
    private static readonly byte[] Golden = Vectors.Bytes("slot-image.bin");

    [Fact]
    public void The_golden_slot_image_gives_its_assemblies_in_load_order()
    {
        var container = Open(Golden)!;

        Assert.Equal(2, container.Count);
        Assert.Equal(Vectors.Bytes("library.pe"), container.Member(0));
        Assert.Equal(Vectors.Bytes("entry.pe"), container.Member(1));
    }

    [Fact]
    public void Any_byte_altered_keeps_what_it_belongs_to_from_being_loaded()
    {
        var header = Golden.Length - Vectors.Bytes("library.pe").Length - Vectors.Bytes("entry.pe").Length;
        for (var at = 0; at < Golden.Length; at++)
        {
            foreach (var flip in (byte[])[0x01, 0x80, 0xFF])
            {
                var altered = Golden.ToArray();
                altered[at] ^= flip;
                var container = Open(altered);
                if (at < header)
                    Assert.Null(container);
                else
                    Assert.True(container!.Member(0) is null != container.Member(1) is null, $"byte {at}");
            }
        }
    }

    [Fact]
    public void A_slot_image_of_another_length_than_was_signed_is_none()
    {
        for (var length = 0; length < Golden.Length; length++)
            Assert.Null(Open(Golden[..length]));
        Assert.Null(Open([.. Golden, 0]));
        Assert.Null(NanoContainer.Open(new ArraySlot(Golden), Golden.Length - 1));
    }

    [Fact]
    public void A_slot_that_cannot_be_read_any_more_gives_no_assembly()
    {
        var slot = new ArraySlot(Golden.ToArray());
        var container = NanoContainer.Open(slot, Golden.Length)!;
        slot.IsGone = true;

        Assert.Null(container.Member(0));
        Assert.Null(NanoContainer.Open(slot, Golden.Length));
    }

    private static NanoContainer? Open(byte[] image) => NanoContainer.Open(new ArraySlot(image), image.Length);

    private sealed class ArraySlot(byte[] image) : ISlot
    {
        public bool IsGone { get; set; }

        public int Capacity => image.Length;

        public void WriteStatement(byte[] statement) => throw new StorageFaultException("read-only");

        public byte[]? ReadStatement() => null;

        public void Write(int offset, byte[] chunk) => throw new StorageFaultException("read-only");

        public bool Read(int offset, byte[] buffer)
        {
            if (IsGone || offset + buffer.Length > image.Length)
                return false;
            image.AsSpan(offset, buffer.Length).CopyTo(buffer);
            return true;
        }
    }
}
