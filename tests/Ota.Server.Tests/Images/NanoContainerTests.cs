using Ota.Images;
using Ota.Images.Formats;

namespace Ota.Server.Tests.Images;

/// <summary>The slot image (docs/protocol.md §5) as the server and the command line read it.</summary>
public sealed class NanoContainerTests
{
    private static readonly byte[] Golden = Vectors.Bytes("slot-image.bin");

    [Fact]
    public void The_golden_slot_image_says_what_is_in_it_and_takes_its_name_from_the_entry()
    {
        var facts = Inspect(Golden);

        Assert.Null(facts.Defect);
        Assert.Equal(("nano", "Kitchen.Thermostat", "1.0.0.0"), (facts.Format, facts.Project, facts.Version));
        Assert.Equal(
            [new("Kitchen.Sensors", "1.0.0.0", 848), new ImageMember("Kitchen.Thermostat", "1.0.0.0", 1652)],
            facts.Members!);
    }

    [Fact]
    public void The_two_golden_assemblies_packed_are_the_golden_slot_image() =>
        Assert.Equal(Golden, NanoContainer.Pack([Vectors.Bytes("library.pe"), Vectors.Bytes("entry.pe")]));

    [Fact]
    public void Any_byte_altered_is_found()
    {
        for (var at = 0; at < Golden.Length; at++)
        {
            foreach (var flip in (byte[])[0x01, 0x80, 0xFF])
            {
                var altered = Golden.ToArray();
                altered[at] ^= flip;
                var facts = Inspect(altered);

                // Without its mark it is no slot image at all, and is refused as such.
                Assert.True(facts.Defect is not null || (at < 8 && facts.Format == "raw"), $"byte {at}");
            }
        }
    }

    [Fact]
    public void A_slot_image_cut_off_anywhere_or_followed_by_anything_is_found()
    {
        for (var length = 8; length < Golden.Length; length++)
            Assert.NotNull(Inspect(Golden[..length]).Defect);
        Assert.Equal("is followed by other bytes.", Inspect([.. Golden, 0]).Defect);
    }

    [Fact]
    public void A_member_that_is_no_assembly_is_named()
    {
        var image = NanoContainer.Pack([Vectors.Bytes("library.pe"), AnImage.Of(500)]);

        Assert.Equal("is damaged: its member 2 is no assembly, or cut off.", Inspect(image).Defect);
    }

    [Fact]
    public void Assemblies_larger_than_the_readers_window_are_read_whole()
    {
        var large = new ANanoAssembly { Body = 200_000 }.Build();
        byte[] padded = [.. large, .. new byte[-large.Length & 3]];
        var image = NanoContainer.Pack([padded]);
        Assert.Null(Inspect(image).Defect);

        image[^1000] ^= 1;
        Assert.NotNull(Inspect(image).Defect);
    }

    private static ImageFacts Inspect(byte[] image) => ImageInspector.Inspect(new MemoryStream(image));
}
