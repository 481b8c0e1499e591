using System.Diagnostics;
using Ota.Images;
using Ota.Server.Images;

namespace Ota.Server.Tests.Images;

/// <summary>Whoever may upload may send anything. Seeded, so that a failure can be seen again.</summary>
public sealed class ImageInspectorFuzz
{
    private const int Rounds = 4000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Any_bytes_are_read_to_an_end_without_an_exception(int seed)
    {
        var random = new Random(seed);
        byte[][] images =
        [
            new AnEspImage { Segments = [(0x3F400020, 400), (0x400D0020, 3000)] }.Build(),
            AnEspImage.Esp8266Arduino()[..9000],
            AnEspImage.Esp8266SecondKind(),
            ANanoAssembly.Deployment(new() { Body = 200 }, new() { Body = 100, Second = true }),
            AnEspImage.Gzip(AnEspImage.Esp8266Arduino())[..8000],
            new byte[600],
        ];

        var clock = Stopwatch.StartNew();
        for (var round = 0; round < Rounds; round++)
        {
            var image = Mutate(random, images[random.Next(images.Length)]);

            var facts = ImageInspector.Inspect(new MemoryStream(image));

            Assert.Contains(facts.Format, (string[])["esp32", "esp8266", "nano", "raw"]);
            Assert.True(Text(facts).All(c => !char.IsControl(c)), $"seed {seed}, round {round}");
        }

        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
    }

    // The first bytes decide which reader has the image and how far it goes: most changes go there.
    private static byte[] Mutate(Random random, byte[] image)
    {
        var mutated = image[..random.Next(random.Next(2) == 0 ? image.Length - 1 : 0, image.Length + 1)];
        for (var changes = random.Next(12); changes > 0 && mutated.Length > 0; changes--)
        {
            var at = random.Next(random.Next(3) == 0 ? mutated.Length : Math.Min(mutated.Length, 140));
            if (random.Next(4) == 0)
                mutated.AsSpan(at, Math.Min(4, mutated.Length - at)).Fill((byte)random.Next(-1, 1));
            else
                mutated[at] = (byte)random.Next(256);
        }

        return mutated;
    }

    private static string Text(ImageFacts facts) =>
        facts.Project + facts.Version + facts.BuiltWith + facts.Defect + facts.Chip;
}
