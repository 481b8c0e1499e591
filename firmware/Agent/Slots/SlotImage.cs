using System.Text;

namespace Ota.Agent;

/// <summary>Reads what a slot really holds and compares it with what belongs there.</summary>
internal static class SlotImage
{
    /// <summary>
    /// The statement stored in the slot, if it is the one with this hash; null when it is another, torn or missing.
    /// </summary>
    public static ReleaseStatement Statement(ISlot slot, string hash)
    {
        var stored = slot.ReadStatement();
        if (stored == null || stored.Length > Jws.Longest || Hex.Encode(Sha256.Of(stored)) != hash)
            return null;

        // Its signature was verified before it was written, under this very hash.
        var jws = Jws.Read(Encoding.UTF8.GetString(stored, 0, stored.Length), "RS256", "ota-release+jws");
        return jws == null ? null : ReleaseStatement.Read(jws.Payload, hash);
    }

    /// <summary>How many chunks from the first on are whole.</summary>
    public static int GoodChunks(ISlot slot, ReleaseStatement statement)
    {
        var count = statement.ChunkCount;
        var buffer = new byte[statement.LengthOf(0)];
        for (var i = 0; i < count; i++)
        {
            var length = statement.LengthOf(i);
            if (buffer.Length != length)
                buffer = new byte[length];
            if (!slot.Read(i * statement.ChunkSize, buffer) || !statement.ChunkFits(i, buffer))
                return i;
        }

        return count;
    }

    /// <summary>
    /// The statement of a slot whose every chunk is whole; null when the slot is damaged or holds something else.
    /// </summary>
    public static ReleaseStatement Whole(ISlot slot, SlotRecord record)
    {
        if (record.Release.Length == 0)
            return null;
        var statement = Statement(slot, record.Release);
        return statement != null && GoodChunks(slot, statement) == statement.ChunkCount ? statement : null;
    }
}
