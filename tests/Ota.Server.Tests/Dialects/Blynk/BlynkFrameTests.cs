using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Dialects.Blynk;

namespace Ota.Server.Tests.Dialects.Blynk;

/// <summary>Whoever connects may send anything, in pieces of any size.</summary>
public sealed class BlynkFrameTests
{
    [Fact]
    public void Any_split_of_any_bytes_gives_the_same_frames_and_no_byte_twice() =>
        Prop.ForAll(
            ArbMap.Default.ArbFor<(byte, ushort, byte[])[]>(), ArbMap.Default.ArbFor<byte[]>(), ArbMap.Default.ArbFor<PositiveInt[]>(),
            (frames, tail, pieces) =>
            {
                var bytes = frames.SelectMany(frame => Framed(frame.Item1, frame.Item2, frame.Item3 ?? [])).Concat(tail).ToArray();
                return Same(InPieces(bytes, [bytes.Length]), InPieces(bytes, [.. pieces.Select(piece => piece.Get)]));
            }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void What_was_framed_is_read_as_it_was_framed() =>
        Prop.ForAll(ArbMap.Default.ArbFor<(byte, ushort, byte[])[]>(), frames =>
        {
            var good = frames.Where(frame => frame.Item2 != 0 && frame.Item1 != 0 && frame.Item3 is { Length: <= BlynkFrame.LongestBody }).ToArray();
            var (read, ending) = InPieces([.. good.SelectMany(frame => Framed(frame.Item1, frame.Item2, frame.Item3))], [1]);
            return ending == BlynkReading.Unfinished && read.SequenceEqual(good.Select(frame => Text(frame.Item1, frame.Item2, 0, frame.Item3)));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(1000));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Seeded_random_bytes_are_read_to_an_end_without_an_exception_and_whatever_they_say(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = new byte[random.Next(40)];
            random.NextBytes(bytes);
            // Most bytes mean nothing; half of the time a header that does comes first.
            if (bytes.Length >= 5 && random.Next(2) == 0)
                (bytes[0], bytes[3], bytes[4]) = ((byte)random.Next(70), 0, (byte)random.Next(bytes.Length));
            var pieces = Enumerable.Range(0, 5).Select(_ => random.Next(1, 12)).ToArray();

            Assert.True(Same(InPieces(bytes, [bytes.Length]), InPieces(bytes, pieces)), $"seed {seed}, round {round}");
            if (BlynkFrame.Read(bytes, out var frame, out var size) != BlynkReading.Frame)
                continue;
            Assert.InRange(size, 5, bytes.Length);
            var fields = BlynkBody.Fields(frame.Body.Span);
            Assert.InRange((BlynkHello.Of(fields) ?? BlynkHello.Usual).Silence, TimeSpan.FromSeconds(2), TimeSpan.FromHours(3));
            Assert.Equal(fields.Length, BlynkBody.Fields(frame.Body.Span, 3) is [var a, var b, var rest] ? 2 + rest.Split('\0').Length : fields.Length);
        }
    }

    private static bool Same((List<string> Frames, BlynkReading Ending) one, (List<string> Frames, BlynkReading Ending) other) =>
        one.Ending == other.Ending && one.Frames.SequenceEqual(other.Frames);

    // As a connection does: a piece more, then all frames that are whole.
    private static (List<string> Frames, BlynkReading Ending) InPieces(byte[] bytes, int[] pieces)
    {
        var frames = new List<string>();
        var (taken, received) = (0, 0);
        for (var i = 0; ; i++)
        {
            BlynkReading reading;
            while ((reading = BlynkFrame.Read(bytes.AsMemory(taken, received - taken), out var frame, out var size)) == BlynkReading.Frame)
            {
                frames.Add(Text(frame.Command, frame.Id, frame.Status, frame.Body.ToArray()));
                taken += size;
            }

            if (reading == BlynkReading.Illegal || received == bytes.Length)
                return (frames, reading);
            received = Math.Min(bytes.Length, received + (pieces.Length == 0 ? 3 : Math.Max(1, pieces[i % pieces.Length])));
        }
    }

    private static byte[] Framed(byte command, ushort id, byte[] body) =>
        [command, (byte)(id >> 8), (byte)id, (byte)(body.Length >> 8), (byte)body.Length, .. body];

    private static string Text(int command, int id, int status, byte[] body) => $"{command} {id} {status} {Convert.ToHexString(body)}";
}
