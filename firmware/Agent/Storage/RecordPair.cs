using System;

namespace Ota.Agent;

/// <summary>
/// A small record that survives a power cut at any moment: two places written in turn, each with a sequence number and
/// a checksum. The valid place with the higher number counts; a write only ever touches the other one.
/// </summary>
internal sealed class RecordPair
{
    private const int HeaderSize = 12;
    private const int ChecksumSize = 16;

    // "OTA1": another layout gets another mark, and then reads as no record at all.
    private const uint Mark = 0x3141544f;

    private readonly IRecords _records;
    private readonly int _kind;
    private readonly byte[] _checksumKey;
    private uint _sequence;
    private int _current;

    public RecordPair(IRecords records, int kind)
    {
        _records = records;
        _kind = kind;

        // The kind is part of the key, so a record never passes for one of another kind.
        _checksumKey = new[]
        {
            (byte)'o', (byte)'t', (byte)'a', (byte)'-', (byte)'r', (byte)'e', (byte)'c', (byte)kind,
        };
    }

    /// <summary>The record that counts, or null when neither place holds one.</summary>
    public byte[] Read()
    {
        var first = Payload(0, out var firstSequence);
        var second = Payload(1, out var secondSequence);
        var secondCounts = second != null && (first == null || secondSequence > firstSequence);
        _current = secondCounts ? 1 : 0;
        _sequence = secondCounts ? secondSequence : firstSequence;
        return secondCounts ? second : first;
    }

    /// <summary>
    /// Replaces the record: afterwards, and after a power cut at any moment, either the old one or this one counts.
    /// </summary>
    /// <exception cref="StorageFaultException">
    /// The storage refused, or what it holds now is not what was written.
    /// </exception>
    public void Write(byte[] payload)
    {
        // What counts is asked anew: a write that failed half-way must not make us overwrite the good place next time.
        var counts = Read() != null;
        var place = counts ? 1 - _current : 0;
        var record = new ByteWriter(HeaderSize + payload.Length + ChecksumSize);
        record.UInt(Mark);
        record.UInt(_sequence + 1);
        record.UInt((uint)payload.Length);
        record.Raw(payload);
        record.Raw(Checksum(record.ToArray()));
        _records.Write(_kind, place, record.ToArray());
        if (Payload(place, out var written) == null || written != _sequence + 1)
            throw new StorageFaultException("a record does not read back");
        _current = place;
        _sequence++;
    }

    /// <summary>
    /// Forgets the record in both places, so that nothing of it stays readable. Idempotent; writes nothing where it is
    /// forgotten already.
    /// </summary>
    public void Clear()
    {
        var counting = Read();
        if (counting != null && counting.Length > 0)
            Write(new byte[0]);

        // The other place may hold the record before, or a torn one with secrets in it.
        Read();
        var other = 1 - _current;
        var left = Payload(other, out _);
        if (_records.Read(_kind, other) != null && (left == null || left.Length > 0))
            Write(new byte[0]);
    }

    private byte[] Payload(int place, out uint sequence)
    {
        sequence = 0;
        var record = _records.Read(_kind, place);
        if (record == null || record.Length < HeaderSize + ChecksumSize)
            return null;
        var reader = new ByteReader(record);
        var mark = reader.UInt();
        var number = reader.UInt();
        var length = (int)reader.UInt();
        if (mark != Mark || length != record.Length - HeaderSize - ChecksumSize)
            return null;
        var covered = new byte[HeaderSize + length];
        Array.Copy(record, 0, covered, 0, covered.Length);
        if (!Mac.Same(Checksum(covered), record, covered.Length))
            return null;
        sequence = number;
        return reader.Raw(length);
    }

    private byte[] Checksum(byte[] covered)
    {
        var checksum = new byte[ChecksumSize];
        Array.Copy(Mac.Of(_checksumKey, covered), 0, checksum, 0, ChecksumSize);
        return checksum;
    }
}
