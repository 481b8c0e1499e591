using Ota.Images;
using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

public sealed class ImageInspectorTests
{
    [Fact]
    public void An_esp32_application_says_its_chip_project_version_and_security()
    {
        var image = new AnEspImage { ChipId = 9, Version = "v1.4.2", SecureVersion = 3 }.Build();

        Assert.Equal(
            new ImageFacts("esp32", "esp32-s3", "thermostat", "v1.4.2", SecureVersion: 3, BuiltWith: "v5.1.4", Digest: Convert.ToHexStringLower(image[^32..])),
            Inspect(image));
    }

    [Theory]
    [InlineData(0, "esp32")]
    [InlineData(2, "esp32-s2")]
    [InlineData(5, "esp32-c3")]
    [InlineData(9, "esp32-s3")]
    [InlineData(12, "esp32-c2")]
    [InlineData(13, "esp32-c6")]
    [InlineData(16, "esp32-h2")]
    [InlineData(18, "esp32-p4")]
    [InlineData(77, "chip 77")]
    [InlineData(0xFFFF, null)]
    public void The_chip_is_read_from_the_header(int id, string? chip) =>
        Assert.Equal(chip, Inspect(new AnEspImage { ChipId = (ushort)id }.Build()).Chip);

    [Fact]
    public void An_esp32_application_without_a_description_or_a_hash_says_its_chip_only() =>
        Assert.Equal(
            new ImageFacts("esp32", "esp32-c3"),
            Inspect(new AnEspImage { ChipId = 5, Described = false, Hashed = false }.Build()));

    [Fact]
    public void A_signature_behind_an_esp32_application_is_no_fault() =>
        Assert.Null(Inspect([.. new AnEspImage().Build(), .. AnImage.Of(8192)]).Defect);

    [Fact]
    public void A_signature_behind_an_esp8266_application_or_its_gzip_is_no_fault()
    {
        byte[] tail = [.. AnImage.Of(256), 0, 1, 0, 0];
        foreach (var image in new[] { AnEspImage.Esp8266Arduino(), AnEspImage.Gzip(AnEspImage.Esp8266Arduino()) })
        {
            var facts = Inspect([.. image, .. tail]);
            Assert.Equal(("esp8266", null), (facts.Format, facts.Defect));
        }
    }

    [Fact]
    public void A_whole_flash_is_not_an_application()
    {
        var application = new AnEspImage().Build();
        var bootloader =
            new AnEspImage { Described = false, Segments = [(0x3FFF0030, 256), (0x40078000, 9000)] }.Build();
        byte[] description = [80, 0, 0, 0, 1, 0, 0, 0, .. "v5.1.4"u8, 0];
        description.CopyTo(bootloader, 32);

        Assert.Contains("is a bootloader", Inspect(bootloader).Defect, StringComparison.Ordinal);
        Assert.Contains(
            "is followed by", Inspect([.. application, .. AnImage.Of(70_000)]).Defect, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Whole))]
    public void An_image_cut_off_anywhere_is_never_taken_for_whole(string what, byte[] image)
    {
        Assert.Null(Inspect(image).Defect);
        // Behind the checksum of the second kind there is a CRC that old SDKs did not write.
        var end = image.Length - (what == "esp8266, second kind" ? 4 : 0);
        foreach (var length in Enumerable.Range(12, 300).Concat(Enumerable.Range(end - 300, 300)).Append(end / 2))
        {
            var facts = Inspect(image[..length]);

            Assert.True(
                facts.Defect is not null || facts.Format == "raw", $"{what}, cut to {length} of {image.Length}");
        }
    }

    [Theory]
    [MemberData(nameof(Summed))]
    public void A_changed_byte_in_a_summed_image_is_found(string what, byte[] image)
    {
        var random = new Random(7);
        for (var i = 0; i < 50; i++)
        {
            var damaged = image.ToArray();
            damaged[random.Next(image.Length / 2, image.Length - 40)] ^= (byte)random.Next(1, 256);

            Assert.True(Inspect(damaged).Defect is not null, what);
        }
    }

    [Fact]
    public void A_changed_header_is_found_by_the_hash_because_the_checksum_does_not_cover_it()
    {
        var image = new AnEspImage().Build();
        image[2] ^= 1;

        Assert.Contains("SHA-256", Inspect(image).Defect, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Esp8266))]
    public void The_kinds_of_esp8266_images_are_told_from_an_esp32s(string what, byte[] image)
    {
        var facts = Inspect(image);

        Assert.Equal(("esp8266", "esp8266", null), (facts.Format, facts.Chip, facts.Defect));
        Assert.Equal(what.StartsWith("gzip", StringComparison.Ordinal), facts.Compressed);
    }

    [Fact]
    public void A_gzip_of_something_else_is_a_gzip_of_something_else() =>
        Assert.Equal(new ImageFacts("raw", Compressed: true), Inspect(AnEspImage.Gzip(AnImage.Of(1000))));

    [Fact]
    public void A_gzip_that_unpacks_without_end_is_not_unpacked_to_the_end()
    {
        var bomb = AnEspImage.Gzip([.. AnEspImage.Esp8266Arduino(), .. new byte[64 << 20]]);

        Assert.Equal("unpacks to more than 16 MiB.", Inspect(bomb).Defect);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_nano_assembly_says_its_name_and_version(bool second)
    {
        var image = new ANanoAssembly { Second = second }.Build();

        Assert.Equal(new ImageFacts("nano", Project: "Thermostat", Version: "1.2.3.4"), Inspect(image));
    }

    [Fact]
    public void A_deployment_of_several_assemblies_is_checked_and_has_no_name()
    {
        var image = ANanoAssembly.Deployment(new() { Body = 4999 }, new() { Name = "mscorlib", Body = 200_000 });
        var damaged = image.ToArray();
        damaged[^500] ^= 1;

        Assert.Equal(new ImageFacts("nano"), Inspect(image));
        Assert.Equal(new ImageFacts("nano"), Inspect([.. image, .. Enumerable.Repeat((byte)0xFF, 4096)]));
        Assert.Contains("CRC", Inspect(damaged).Defect, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_of_no_known_format_are_raw_and_without_fault() =>
        Assert.Equal(new ImageFacts("raw"), Inspect(Vectors.Bytes("image.bin")));

    public static TheoryData<string, byte[]> Summed => new()
    {
        { "esp32", new AnEspImage().Build() },
        { "esp32 without a hash", new AnEspImage { Hashed = false, Segments = [(0x3F400020, 4000)] }.Build() },
        { "esp8266, first kind", AnEspImage.Esp8266((0x40100000, 30_000)) },
        { "nano", new ANanoAssembly().Build() },
    };

    public static TheoryData<string, byte[]> Esp8266 => new()
    {
        { "first kind", AnEspImage.Esp8266((0x40100000, 30_000), (0x3FFE8000, 800)) },
        { "second kind", AnEspImage.Esp8266SecondKind() },
        { "Arduino", AnEspImage.Esp8266Arduino() },
        { "RTOS SDK", new AnEspImage { Entry = 0x40100004, Segments = [(0x40210010, 9000)] }.Build() },
        { "gzip of Arduino", AnEspImage.Gzip(AnEspImage.Esp8266Arduino()) },
    };

    public static TheoryData<string, byte[]> Whole => new()
    {
        { "esp32", new AnEspImage().Build() },
        { "esp32 without a hash", new AnEspImage { Hashed = false }.Build() },
        { "esp8266, first kind", AnEspImage.Esp8266((0x40100000, 30_000), (0x3FFE8000, 800)) },
        { "esp8266, second kind", AnEspImage.Esp8266SecondKind() },
        { "esp8266, Arduino", AnEspImage.Esp8266Arduino() },
        { "nano", new ANanoAssembly().Build() },
    };

    private static ImageFacts Inspect(byte[] image) => ImageInspector.Inspect(new MemoryStream(image));
}
