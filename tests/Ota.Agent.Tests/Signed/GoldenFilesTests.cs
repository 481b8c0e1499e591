using Ota.Agent.Tests.Lab;
using Ota.Virtual;

namespace Ota.Agent.Tests.Signed;

/// <summary>The golden files as the agent reads them, step by step (docs/protocol.md §3.3).</summary>
public sealed class GoldenFilesTests
{
    private const long Now = 1767225660;

    [Theory]
    [InlineData("order-install.jws", 6, Now, null)]
    [InlineData("order-recover.jws", 7, Now, null)]
    [InlineData("order-decommission.jws", 8, Now, null)]
    [InlineData("order-rotate.jws", 9, Now, null)]
    [InlineData("order-other-device.jws", 6, Now, "order-device")]
    [InlineData("order-install.jws", 7, Now, "order-number")]
    [InlineData("order-install.jws", 8, Now, "order-number")]
    [InlineData("order-install.jws", 6, 1767312000, "order-expired")]
    [InlineData("order-install.jws", 6, 1767311999, null)]
    [InlineData("order-install.jws", 6, 0, "order-expired")]
    [InlineData("release.jws", 6, Now, "order-signature")]
    public void Orders_pass_or_fail_at_the_right_step(string file, long highest, long now, string? step)
    {
        var verified = VerifiedOrder.Check(Vectors.Text(file), Vectors.Identity, highest, now, out var fault);

        Assert.Equal(step, fault?.Step);
        Assert.Equal(step is null, verified is not null);
    }

    [Theory]
    [InlineData("release.jws", "install", 3, 65536, null)]
    [InlineData("release.jws", "install", 4, 65536, "security-counter")]
    [InlineData("release.jws", "install", 3, 10_000, null)]
    [InlineData("release.jws", "install", 3, 9_999, "size")]
    [InlineData("release.jws", "recover", 3, 65536, "kind")]
    [InlineData("recovery.jws", "recover", 3, 65536, null)]
    [InlineData("recovery.jws", "install", 3, 65536, "kind")]
    [InlineData("release-by-stranger.jws", "install", 3, 65536, "statement-signature")]
    [InlineData("release-other-product.jws", "install", 3, 65536, "product")]
    [InlineData("release-other-hardware.jws", "install", 3, 65536, "hardware")]
    [InlineData("release-lower-counter.jws", "install", 3, 65536, "security-counter")]
    [InlineData("keys.jws", "install", 3, 65536, "statement-signature")]
    public void Statements_pass_or_fail_at_the_right_step(
        string file, string action, int floor, int capacity, string? step)
    {
        var statement = Vectors.Text(file);
        var order = Verified(action, Ota.Signing.Jws.HashOf(statement));

        Assert.Equal(step, Check().Release(order, statement, floor, capacity, out _));
    }

    [Theory]
    [InlineData("keys.jws", null)]
    [InlineData("keys-by-stranger.jws", "statement-signature")]
    [InlineData("release.jws", "statement-signature")]
    public void Key_statements_pass_or_fail_at_the_right_step(string file, string? step)
    {
        var statement = Vectors.Text(file);

        Assert.Equal(step, Check().Keys(Verified("rotate", Ota.Signing.Jws.HashOf(statement)), statement, out _));
    }

    [Fact]
    public void The_golden_image_fits_the_golden_statement_chunk_by_chunk()
    {
        var statement = Vectors.Text("release.jws");
        var order = Verified("install", Ota.Signing.Jws.HashOf(statement));
        Check().Release(order, statement, 0, 65536, out var release);
        var image = Vectors.Bytes("image.bin");

        Assert.Equal(3, release.ChunkCount);
        for (var i = 0; i < 3; i++)
            Assert.True(release.ChunkFits(i, image[(i * 4096)..Math.Min(image.Length, (i + 1) * 4096)]));
        Assert.False(release.ChunkFits(0, image[4096..8192]));
        Assert.False(release.ChunkFits(2, image[8192..9999]));
    }

    internal static VerifiedOrder Verified(string action, string release) =>
        VerifiedOrder.Check(new OrderDraft(action, 7, release).Sign(), Vectors.Identity, 6, Now, out _);

    internal static StatementCheck Check()
    {
        var layout = new FlashLayout(new SimulatedFlash(new MemoryFlashStore(FlashLayout.SizeFor(4096))), 4096);
        var trusted = new TrustedKeys(new RecordPair(layout.Records, RecordKind.Keys));
        trusted.Replace([RsaKey.FromModulus(Vectors.Modulus(Vectors.ReleaseKey))], 0, "");
        return new StatementCheck(new AgentOptions { Product = "thermostat", Hardware = "virtual" }, trusted);
    }
}
