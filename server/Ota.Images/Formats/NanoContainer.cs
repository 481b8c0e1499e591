using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace Ota.Images.Formats;

/// <summary>
/// The slot image: one nanoFramework application as several assemblies, each covered by an HMAC (docs/protocol.md §5).
/// The keys are public; what they guard against is damage, and reading one thing for another.
/// </summary>
public static class NanoContainer
{
    /// <summary>Assemblies at most, the entry included.</summary>
    public const int MostMembers = 16;

    private const int HeaderSize = 16;
    private const int EntrySize = 4 + DigestSize;
    private const int DigestSize = 32;
    private const int MostPadding = 3;

    private static ReadOnlySpan<byte> Mark => "OTASLOT1"u8;

    private static ReadOnlySpan<byte> HeaderKey => "ota-slot-v1"u8;

    private static ReadOnlySpan<byte> MemberKey => "ota-member-v1"u8;

    public static bool Begins(ReadOnlySpan<byte> head) => head.StartsWith(Mark);

    /// <summary>Puts assemblies into one image.</summary>
    /// <param name="members">Whole assemblies in load order, 1 to <see cref="MostMembers"/>; the entry is the last.</param>
    public static byte[] Pack(IReadOnlyList<byte[]> members)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(members.Count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(members.Count, MostMembers);
        var table = HeaderSize + members.Count * EntrySize;
        var image = new byte[checked(table + DigestSize + members.Sum(member => member.Length))];
        var header = image.AsSpan();
        Mark.CopyTo(header);
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], image.Length);
        BinaryPrimitives.WriteInt32LittleEndian(header[12..], members.Count);
        var at = table + DigestSize;
        for (var i = 0; i < members.Count; i++)
        {
            var entry = header.Slice(HeaderSize + i * EntrySize, EntrySize);
            BinaryPrimitives.WriteInt32LittleEndian(entry, members[i].Length);
            HMACSHA256.HashData(MemberKey, members[i], entry[4..]);
            members[i].CopyTo(image, at);
            at += members[i].Length;
        }

        HMACSHA256.HashData(HeaderKey, header[..table], header[table..]);
        return image;
    }

    /// <param name="cursor">At the mark.</param>
    internal static ImageFacts Read(ImageCursor cursor)
    {
        var lengths = Header(cursor, out var defect);
        if (defect is not null)
            return new ImageFacts(ImageFacts.Nano, Defect: defect);
        var members = new List<ImageMember>();
        var facts = new ImageFacts(ImageFacts.Nano);
        foreach (var (length, digest) in lengths)
        {
            facts = Member(cursor, length, digest);
            if (facts.Defect is not null)
                return facts with { Defect = Numbered(members.Count + 1, facts.Defect) };
            members.Add(new ImageMember(facts.Project, facts.Version, length));
        }

        return facts with
        {
            Members = members,
            Defect = cursor.Peek(1).IsEmpty ? null : "is followed by other bytes.",
        };
    }

    // Lengths and digests of the members, once the header is known to be whole.
    private static List<(long Length, byte[] Digest)> Header(ImageCursor cursor, out string? defect)
    {
        var members = new List<(long, byte[])>();
        defect = "is cut off within its header.";
        var head = cursor.Peek(HeaderSize);
        if (head.Length < HeaderSize)
            return members;
        var count = BinaryPrimitives.ReadUInt32LittleEndian(head[12..]);
        var size = (long)BinaryPrimitives.ReadUInt32LittleEndian(head[8..]);
        if (count is 0 or > MostMembers)
        {
            defect = "is damaged: its header names no assembly, or too many.";
            return members;
        }

        var table = HeaderSize + (int)count * EntrySize;
        var header = cursor.Peek(table + DigestSize);
        if (header.Length < table + DigestSize)
            return members;
        defect = "is damaged: its header does not have the HMAC that stands behind it.";
        if (!HMACSHA256.HashData(HeaderKey, header[..table]).AsSpan().SequenceEqual(header[table..]))
            return members;

        var sum = (long)header.Length;
        for (var at = HeaderSize; at < table; at += EntrySize)
        {
            var length = (long)BinaryPrimitives.ReadUInt32LittleEndian(header[at..]);
            members.Add((length, header.Slice(at + 4, DigestSize).ToArray()));
            sum += length;
        }

        defect = sum == size ? null : "is damaged: its members do not add up to its size.";
        cursor.Skip(header.Length);
        return members;
    }

    private static ImageFacts Member(ImageCursor cursor, long length, byte[] digest)
    {
        if (!NanoImage.Begins(cursor.Peek(HeaderSize)))
            return new ImageFacts(ImageFacts.Nano, Defect: "is no assembly, or cut off.");
        cursor.StartHash(IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, MemberKey));
        var start = cursor.Position;
        var facts = NanoImage.ReadAssembly(cursor);
        if (facts.Defect is not null)
            return facts with { Defect = "is cut off, or does not have the CRCs that stand in it." };
        var padding = length - (cursor.Position - start);
        if (padding is < 0 or > MostPadding || cursor.Skip(padding) < padding)
            return facts with { Defect = "has another length than its assembly." };
        return cursor.EndHash().AsSpan().SequenceEqual(digest)
            ? facts
            : facts with { Defect = "does not have the HMAC that the header names." };
    }

    private static string Numbered(int number, string defect) =>
        string.Create(CultureInfo.InvariantCulture, $"is damaged: its member {number} {defect}");
}
