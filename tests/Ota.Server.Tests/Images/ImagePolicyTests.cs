using Ota.Images;
using Ota.Server.Images;
using Ota.Signing;

namespace Ota.Server.Tests.Images;

public sealed class ImagePolicyTests
{
    private static readonly byte[] Bytes = AnImage.Of(10_000);

    [Theory]
    [InlineData("esp32", "esp32", null)]
    [InlineData("esp32", "esp32-s3", "The image is built for esp32, but the statement says esp32-s3.")]
    [InlineData("esp32-s3", "esp32", "The image is built for esp32-s3, but the statement says esp32.")]
    [InlineData("esp32-s3", "esp32s3", null)]
    [InlineData("esp32-s3", "esp32_s3", null)]
    [InlineData("esp32-c3", "esp32c3", null)]
    [InlineData("esp32-c6", "esp32-c3", "The image is built for esp32-c6, but the statement says esp32-c3.")]
    [InlineData("chip 77", "esp32", "The image is built for chip 77, but the statement says esp32.")]
    [InlineData("esp32", "heater-board-v2", null)]
    [InlineData("esp32", "virtual", null)]
    [InlineData("esp32", "esp8266", "The image is built for esp32, but the statement says esp8266.")]
    [InlineData("esp32", "heater-board-v2,esp32-s3", "The image is built for esp32, but the statement says esp32-s3.")]
    [InlineData("esp32", "esp32,esp32-s3", "The image is built for esp32, but the statement says esp32-s3.")]
    [InlineData(null, "esp32", null)]
    public void A_build_for_another_chip_is_refused(string? chip, string hardware, string? expected) =>
        Assert.Equal(expected, Check(new ImageFacts("esp32", chip), "esp32", hardware: hardware.Split(',')));

    [Theory]
    [InlineData("1.1.0", "1.1.0", null)]
    [InlineData("v1.1.0", "1.1.0", null)]
    [InlineData("V1.1.0", "1.1.0", null)]
    [InlineData("1.1", "1.1.0", null)]
    [InlineData("1.1.0.0", "1.1.0", null)]
    [InlineData("1.1.0.53", "1.1.0", null)]
    [InlineData("1.1.0+gabc1234", "1.1.0", null)]
    [InlineData("1.1.0-beta.1", "1.1.0-beta.1", null)]
    [InlineData("1.2.0", "1.1.0", "The image says it is version 1.2.0, but the statement says 1.1.0.")]
    [InlineData("v1.2.0", "1.1.0", "The image says it is version v1.2.0, but the statement says 1.1.0.")]
    [InlineData("1.1.0-dirty", "1.1.0", "The image says it is version 1.1.0-dirty, but the statement says 1.1.0.")]
    [InlineData(
        "v1.1.0-3-gabc1234", "1.1.0",
        "The image says it is version v1.1.0-3-gabc1234, but the statement says 1.1.0.")]
    [InlineData("v1.1.0-3-gabc1234", "1.1.0-3-gabc1234", null)]
    [InlineData("1.1.0", "1.1.0-beta.1", "The image says it is version 1.1.0, but the statement says 1.1.0-beta.1.")]
    // Nobody chose these.
    [InlineData(null, "1.1.0", null)]
    [InlineData("1", "1.1.0", null)]
    [InlineData("9e627e7", "1.1.0", null)]
    [InlineData("1234567", "1.1.0", null)]
    [InlineData("9e627e7-dirty", "1.1.0", null)]
    [InlineData("nightly", "1.1.0", null)]
    [InlineData("esp-idf: v4.4.7 38eeba213a", "1.1.0", null)]
    // ESPHome's own release, unless the product counts in years itself.
    [InlineData("2024.9.2", "1.1.0", null)]
    [InlineData("2024.9.2", "2024.9.3", "The image says it is version 2024.9.2, but the statement says 2024.9.3.")]
    // ESP-IDF keeps 31 characters.
    [InlineData("1.1.0-feature.with.a.long.name1", "1.1.0-feature.with.a.long.name12345", null)]
    [InlineData("v1.1.0-feature.with.a.long.name", "1.1.0-feature.with.a.long.name12345", null)]
    [InlineData(
        "1.1.0-feature", "1.1.0-feature.with",
        "The image says it is version 1.1.0-feature, but the statement says 1.1.0-feature.with.")]
    public void An_image_whose_own_version_contradicts_the_statement_is_refused(
        string? said, string stated, string? expected) =>
        Assert.Equal(expected, Check(new ImageFacts("esp32", "esp32", Version: said), "esp32", version: stated));

    [Fact]
    public void What_Arduinos_precompiled_libraries_say_is_not_the_sketchs_version() =>
        Assert.Null(Check(new ImageFacts("esp32", "esp32", "arduino-lib-builder", "v5.1.4"), "esp32"));

    [Fact]
    public void An_assemblys_version_is_not_the_releases() =>
        Assert.Null(Check(new ImageFacts("nano", Version: "7.0.0.0", Members: []), "nano"));

    [Theory]
    [InlineData(null, 3, null)]
    [InlineData(0u, 3, null)]
    [InlineData(3u, 3, null)]
    [InlineData(2u, 3, "The image's secure version is 2, but the statement's security counter is 3.")]
    [InlineData(4u, 3, "The image's secure version is 4, but the statement's security counter is 3.")]
    [InlineData(
        uint.MaxValue, 0,
        "The image's secure version is 4294967295, but the statement's security counter is 0.")]
    public void A_secure_version_that_contradicts_the_counter_is_refused(uint? said, int counter, string? expected) =>
        Assert.Equal(expected, Check(new ImageFacts("esp32", "esp32", SecureVersion: said), "esp32", counter: counter));

    [Theory]
    [InlineData("esp32", "raw", "esp32", "The image is not an esp32 application, but the statement says esp32.")]
    [InlineData(
        "esp8266", "raw", "esp8266",
        "The image is not an esp8266 application, but the statement says esp8266.")]
    [InlineData("esp32", "esp8266", "board", "The image is built for esp8266, but the statement's format is esp32.")]
    [InlineData("esp8266", "esp32", "board", "The image is built for esp32, but the statement's format is esp8266.")]
    [InlineData("nano", "esp32", "esp32", "The image is built for esp32, but the statement's format is nano.")]
    [InlineData("esp32", "nano", "esp32", "The image is built for nano, but the statement's format is esp32.")]
    [InlineData(
        "nano", "nano", "esp32", "The image is a bare assembly; make a slot image of it with 'ota image pack'.")]
    [InlineData(
        "nano", "raw", "esp32", "The image is no slot image; make one of your .pe files with 'ota image pack'.")]
    [InlineData("raw", "raw", "esp32", null)]
    [InlineData("raw", "esp8266", "esp32", null)]
    public void Bytes_of_another_format_than_stated_are_refused(
        string stated, string found, string hardware, string? expected)
    {
        var facts = new ImageFacts(found, Chip: found.StartsWith("esp", StringComparison.Ordinal) ? found : null);

        Assert.Equal(expected, Check(facts, stated, hardware: [hardware]));
    }

    [Fact]
    public void A_gzip_is_for_the_esp8266_only()
    {
        var gzip = new ImageFacts("esp8266", "esp8266", Compressed: true);

        Assert.Null(Check(gzip, "esp8266", hardware: ["esp8266"]));
        Assert.Equal(
            "The image is a gzip, but the statement says esp32.", Check(gzip with { Format = "esp32" }, "esp32"));
    }

    [Fact]
    public void A_damaged_image_is_refused_unless_its_developer_says_raw()
    {
        var damaged = new ImageFacts("esp32", "esp32", Defect: "is cut off before its checksum.");

        Assert.Equal("The image is cut off before its checksum.", Check(damaged, "esp32"));
        Assert.Null(Check(damaged, "raw"));
    }

    [Fact]
    public void The_bytes_must_be_the_ones_the_statement_describes()
    {
        var stated = AnImage.Describe(Bytes);
        var others = AnImage.Describe(AnImage.Of(Bytes.Length, seed: 2));

        Assert.Null(ImagePolicy.CheckBytes(stated, AnImage.Describe(Bytes)));
        Assert.Equal(
            "The image has 9999 bytes, but the statement says 10000.",
            ImagePolicy.CheckBytes(stated, AnImage.Describe(Bytes[..^1])));
        Assert.Equal(
            $"The image's SHA-256 is {others.Sha256}, but the statement says {stated.Sha256}.",
            ImagePolicy.CheckBytes(stated, others));
        Assert.Equal(
            $"The image's MD5 is {stated.Md5}, but the statement says {others.Md5}.",
            ImagePolicy.CheckBytes(stated with { Md5 = others.Md5 }, stated));
        Assert.Equal(
            "The statement's chunk digests are not the image's.",
            ImagePolicy.CheckBytes(stated with { Chunks = others.Chunks }, stated));
    }

    [Fact]
    public void The_golden_statement_accepts_the_golden_image()
    {
        var key = Vectors.Key("TEST-ONLY-release-key.pub.pem");
        var statement = ReleaseStatement.Verify(Vectors.Text("release.jws"), [key], out _)!.Statement;
        var image = Vectors.Bytes("image.bin");

        Assert.Null(ImagePolicy.CheckBytes(statement.Image, AnImage.Describe(image, statement.Image.Format)));
        Assert.Null(ImagePolicy.Check(statement, ImageInspector.Inspect(new MemoryStream(image))));
    }

    private static string? Check(
        ImageFacts facts, string format, string version = "1.1.0", string[]? hardware = null, int counter = 0)
    {
        var statement = new ReleaseStatement(
            "thermostat",
            version,
            ReleaseStatement.ApplicationKind,
            hardware ?? ["esp32"],
            counter,
            Created: 1767225600,
            AnImage.Describe(Bytes, format));
        return ImagePolicy.Check(statement, facts);
    }
}
