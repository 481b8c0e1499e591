using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;

namespace Ota.Server.Limits;

/// <summary>
/// The marks of all the addresses there are, in memory that never grows: each address has one in each of four rows, at a place that nobody outside can
/// foresee, and the lowest counts. Who shares one with an address that calls too often is held to it only where the same happened in every row.
/// </summary>
internal sealed class AddressMarks(RatePolicy policy)
{
    private const int Rows = 4;
    private const int PlaceBits = 14;
    private const int Places = 1 << PlaceBits;
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(16);
    private readonly long[] _marks = new long[Rows * Places];
    private readonly Lock _change = new();

    /// <summary>What stands for an address: all of it for IPv4, the /64 for IPv6, of which one customer has as many as there are.</summary>
    public static ulong KeyOf(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[16];
        if (address is null || !address.TryWriteBytes(bytes, out var length))
            return 0;
        // No /64 that is anybody's begins with so many zeros.
        return length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(bytes)
            : address.IsIPv4MappedToIPv6 ? BinaryPrimitives.ReadUInt32BigEndian(bytes[12..])
            : BinaryPrimitives.ReadUInt64BigEndian(bytes);
    }

    /// <summary>Null when one more may be; else how long until it might.</summary>
    public TimeSpan? Take(IPAddress? address, long now)
    {
        Span<byte> hashed = stackalloc byte[24];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        _secret.CopyTo(hashed);
        BinaryPrimitives.WriteUInt64BigEndian(hashed[16..], KeyOf(address));
        SHA256.HashData(hashed, hash);
        var places = BinaryPrimitives.ReadUInt64BigEndian(hash);
        lock (_change)
        {
            var lowest = long.MaxValue;
            for (var row = 0; row < Rows; row++)
                lowest = Math.Min(lowest, At(row, places));
            var after = RatePolicy.After(lowest, now, policy.Interval);
            if (policy.Wait(after, now) is { } wait)
                return wait;
            for (var row = 0; row < Rows; row++)
                At(row, places) = Math.Max(At(row, places), after);
            return null;
        }
    }

    private ref long At(int row, ulong places) => ref _marks[row * Places + (int)((places >> (row * PlaceBits)) % Places)];
}
