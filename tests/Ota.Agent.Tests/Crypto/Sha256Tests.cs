using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;

namespace Ota.Agent.Tests.Crypto;

public sealed class Sha256Tests
{
    [Fact]
    public void Any_bytes_in_any_pieces_hash_as_the_platform_hashes_them() =>
        Prop.ForAll<byte[], byte[], byte[]>((first, second, third) =>
        {
            var sha = new Sha256();
            sha.Append(first, 0, first.Length);
            sha.Append(second, 0, second.Length);
            sha.Append(third, 0, third.Length);
            return sha.Finish().SequenceEqual(SHA256.HashData([.. first, .. second, .. third]));
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Every_length_around_the_block_border_hashes_right()
    {
        for (var length = 0; length < 300; length++)
        {
            var data = new byte[length];
            Array.Fill(data, (byte)length);
            Assert.Equal(SHA256.HashData(data), Sha256.Of(data));
        }
    }
}
