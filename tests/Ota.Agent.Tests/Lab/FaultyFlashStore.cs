using Ota.Virtual;

namespace Ota.Agent.Tests.Lab;

/// <summary>
/// Flash that does not do as it is told: <paramref name="write"/> may alter what is kept, or refuse by throwing.
/// </summary>
/// <param name="inner">Where the bytes go.</param>
/// <param name="write">Given the offset and a copy of the bytes; returns those that are kept.</param>
internal sealed class FaultyFlashStore(FlashStore inner, Func<int, byte[], byte[]> write) : FlashStore
{
    public override void Read(int offset, Span<byte> into) => inner.Read(offset, into);

    public override void Write(int offset, ReadOnlySpan<byte> bytes) =>
        inner.Write(offset, write(offset, bytes.ToArray()));
}
