using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ota.Server.Devices;
using Ota.Server.Rollouts;

namespace Ota.Server.Dashboard;

/// <summary>
/// A rollout for all who watch it: looked at once for all of them, only when something came of it, and beside the pages, which go on drawing
/// meanwhile. A look at a million devices takes seconds, and is not taken again before ten times as long.
/// </summary>
internal sealed class RolloutGlass(RolloutBoard board, RolloutViews views, Fleet fleet, Pulse pulse, TimeProvider time)
{
    private const int MostKept = 100;
    private const int Rest = 10;
    private static readonly TimeSpan ShortestRest = TimeSpan.FromMilliseconds(500);
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<long, Look> _kept = new();
    private readonly ConcurrentDictionary<long, string> _products = new();
    private readonly PerBeat<Dictionary<string, long>> _marks = new(pulse, () => Count(fleet));

    /// <summary>Differs whenever a rollout, or what its product's devices made of it, differs and may be looked at again.</summary>
    public long Mark(long id) => Fresh(id)?.Mark ?? Now(id);

    /// <summary>As it is; null when there is none of this number.</summary>
    public Task<RolloutView?> LookAsync(long id)
    {
        lock (_gate)
        {
            if (Fresh(id) is { } fresh)
                return fresh.View;
            // Nobody watches so many at once.
            if (_kept.Count > MostKept)
                _kept.Clear();
            // The mark first: what changes while it is looked at, is looked at again.
            var look = _kept[id] = new Look(Now(id), time, () => board.Find(id) is { } rollout ? views.Of(rollout) : null);
            return look.View;
        }
    }

    /// <summary>Somebody just did something to it.</summary>
    public void Forget(long id) => _kept.TryRemove(id, out _);

    private Look? Fresh(long id) => _kept.TryGetValue(id, out var look) && look.IsFresh(time) ? look : null;

    private long Now(long id) => ProductOf(id) is { } product
        ? _marks.Value.GetValueOrDefault(product) + RuntimeHelpers.GetHashCode(board.Of(product)) : 0;

    // It is asked for at every beat, and never changes.
    private string? ProductOf(long id)
    {
        if (_products.TryGetValue(id, out var product))
            return product;
        return board.Find(id) is { } rollout ? _products[id] = rollout.Product : null;
    }

    private static Dictionary<string, long> Count(Fleet fleet)
    {
        var marks = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var device in fleet.All)
        {
            marks[device.Product] = marks.GetValueOrDefault(device.Product)
                + HashCode.Combine(device.Id, device.State, device.Instruction, device.Open?.State, device.Heard?.CheckIn.Release);
        }

        return marks;
    }

    private sealed class Look
    {
        private readonly long _began;
        private long _took = -1;

        public Look(long mark, TimeProvider time, Func<RolloutView?> look)
        {
            (Mark, _began) = (mark, time.GetTimestamp());
            View = Task.Run(() =>
            {
                var view = look();
                Volatile.Write(ref _took, time.GetElapsedTime(_began).Ticks);
                return view;
            });
        }

        public long Mark { get; }

        public Task<RolloutView?> View { get; }

        /// <summary>While it is being looked at, and for a rest after that.</summary>
        public bool IsFresh(TimeProvider time) => !View.IsFaulted
            && (Volatile.Read(ref _took) is var took && (took < 0 || time.GetElapsedTime(_began).Ticks < took + Math.Max(took * Rest, ShortestRest.Ticks)));
    }
}
