using System.Collections.Concurrent;
using Ota.Server.Data;
using Ota.Server.Devices;
using Ota.Server.Products;

namespace Ota.Server.Pins;

/// <summary>Lets callers wait for what is written to a device's pins, here or at another server. A call that waits costs no thread.</summary>
internal sealed class PinLines(Database database, TimeProvider time, IHostApplicationLifetime lifetime)
{
    /// <summary>Seconds that a call may wait at the most; what lies between often cuts off at a minute.</summary>
    public const int LongestWait = 55;

    private readonly ConcurrentDictionary<string, PinLine> _lines = new(StringComparer.Ordinal);

    /// <summary>Of a device that is known, so that there are no more than devices.</summary>
    public PinLine Of(Device device) => _lines.GetOrAdd(device.Id, static (_, time) => new PinLine(time), time);

    /// <summary>Whether a device waits for its pins at this moment; null where it may do so at another server.</summary>
    public bool? IsListening(Device device) =>
        database.IsShared ? null : _lines.TryGetValue(device.Id, out var line) && line.IsListenedTo;

    /// <summary>Something was written to a pin of this device, and is on disk.</summary>
    public void Ring(string device)
    {
        if (_lines.TryGetValue(device, out var line))
            line.Ring();
    }

    public void RingAll()
    {
        foreach (var line in _lines.Values)
            line.Ring();
    }

    /// <summary>What was written after that, oldest first; waits for it if need be. Empty when nothing came in time.</summary>
    /// <param name="most">Rows at once.</param>
    /// <param name="aborted">The caller has gone.</param>
    public async Task<IReadOnlyList<PinRow>> NextAsync(
        Device device, PinReader reader, long after, TimeSpan wait, int most, CancellationToken aborted)
    {
        PinSource? source = reader == PinReader.Staff ? null : PinSource.App;
        if (wait == TimeSpan.Zero)
            return News(device, reader, Read(device, after, source, most).Rows);
        var line = Of(device);
        using var late = new CancellationTokenSource(wait, time);
        using var over = CancellationTokenSource.CreateLinkedTokenSource(late.Token, aborted, lifetime.ApplicationStopping);
        while (true)
        {
            var waiting = line.Enter(reader, out var extent);
            try
            {
                if (extent is null || MayHaveNews(extent, source, after))
                {
                    var (rows, read) = Read(device, after, source, most);
                    line.Know(waiting, read);
                    var news = News(device, reader, rows);
                    if (news.Count > 0)
                        return news;
                    if (rows.Count > 0)
                    {
                        after = rows[^1].Seq;
                        continue;
                    }
                }

                using var ends = over.Token.Register(static wait => ((PinWait)wait!).TrySetResult(false), waiting);
                if (!await waiting.Task)
                    return [];
            }
            finally
            {
                line.Leave(waiting);
            }
        }
    }

    // Whoever has checked in since it was told to has done so: said again after each start, that would go on for ever.
    private static IReadOnlyList<PinRow> News(Device device, PinReader reader, IReadOnlyList<PinRow> rows) =>
        reader != PinReader.Staff && device.Heard is { } heard
            && rows.Any(row => PinPolicy.System(row.Kept) == SystemPin.CheckNow && row.At < heard.At)
            ? [.. rows.Where(row => PinPolicy.System(row.Kept) != SystemPin.CheckNow)]
            : rows;

    private static bool MayHaveNews(PinExtent extent, PinSource? source, long after)
    {
        var last = source is null ? extent.Last : extent.LastByApp;
        return last > (after > extent.Last ? 0 : after);
    }

    private (IReadOnlyList<PinRow> Rows, PinExtent Extent) Read(Device device, long after, PinSource? source, int most) =>
        database.Read(connection => PinTable.Since(connection, device.Id, after, source, most));
}
