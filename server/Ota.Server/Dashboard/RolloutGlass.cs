using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Ota.Server.Devices;
using Ota.Server.Rollouts;

namespace Ota.Server.Dashboard;

/// <summary>A rollout for all who watch it: looked at in the database once a beat, and only when something came of it.</summary>
internal sealed class RolloutGlass(RolloutBoard board, RolloutViews views, Fleet fleet, Pulse pulse)
{
    private readonly ConcurrentDictionary<long, (long Beat, RolloutView View)> _kept = new();
    private Marks _marks = new(-1, []);

    /// <summary>Differs whenever a rollout of this product, or what its devices made of it, differs.</summary>
    public long Mark(string? product)
    {
        if (product is null)
            return 0;
        var beat = pulse.Number;
        if (_marks.Beat != beat)
            _marks = new Marks(beat, Count());
        return _marks.ByProduct.GetValueOrDefault(product) + RuntimeHelpers.GetHashCode(board.Of(product));
    }

    /// <summary>Null when there is no such rollout.</summary>
    public RolloutView? Look(long id)
    {
        var beat = pulse.Number;
        if (_kept.TryGetValue(id, out var kept) && kept.Beat == beat)
            return kept.View;
        if (board.Find(id) is not { } rollout)
            return null;
        var view = views.Of(rollout);
        // Nobody watches so many; what is kept is from this beat alone.
        if (_kept.Count > 100)
            _kept.Clear();
        _kept[id] = (beat, view);
        return view;
    }

    /// <summary>Somebody just did something to it.</summary>
    public void Forget(long id) => _kept.TryRemove(id, out _);

    // Replaced whole: several pages look at once.
    private sealed record Marks(long Beat, Dictionary<string, long> ByProduct);

    private Dictionary<string, long> Count()
    {
        var marks = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var device in fleet.All)
        {
            marks[device.Product] = marks.GetValueOrDefault(device.Product)
                + HashCode.Combine(device.Id, device.State, device.Instruction, device.Open?.State, device.Heard?.CheckIn.Release);
        }

        return marks;
    }
}
