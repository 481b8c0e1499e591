using Ota.Server.Alerts;
using Ota.Server.Dashboard;
using Ota.Server.Devices;

namespace Ota.Server.Tests.Alerts;

public sealed class WatchedTests
{
    private readonly Watched _watched = new(new Device("k7m2q9x4td3w", "kettle", "02:00:00:00:00:01", "virtual", DateTimeOffset.UnixEpoch));

    [Fact]
    public void Opening_what_is_open_and_closing_what_is_not_is_no_news()
    {
        Assert.False(_watched.Set(AlertKind.Silent, 1, null));
        Assert.True(_watched.Set(AlertKind.Silent, 2, () => "gone"));
        Assert.False(_watched.Set(AlertKind.Silent, 3, () => "gone"));
        Assert.True(_watched.Set(AlertKind.Silent, 4, null));

        Assert.Equal([2, 4], _watched.Take().Select(change => change.At));
        Assert.Empty(_watched.Take());
    }

    [Fact]
    public void Every_kind_is_shown_by_its_own_name_and_in_a_colour_that_is_seen()
    {
        var kinds = Enum.GetValues<AlertKind>();
        var titles = kinds.Select(kind => new Trouble(kind, DateTimeOffset.UnixEpoch, "").Title).ToArray();

        Assert.Equal(["Crash loop", "Silent", "Weak signal", "Stranded"], titles);
        Assert.All(kinds, kind => Assert.Contains(Words.Tone(AlertWords.Of(kind)), new[] { "bad", "warn" }));
    }

    [Fact]
    public void A_change_that_is_judged_late_is_not_written_before_the_one_it_undoes()
    {
        _watched.Set(AlertKind.Silent, 10, () => "gone");
        _watched.Set(AlertKind.Silent, 9, null);

        Assert.Equal([10, 10], _watched.Take().Select(change => change.At));
    }

    [Fact]
    public void What_cannot_be_written_comes_back_in_order_and_stays_bounded_and_true()
    {
        for (var at = 1; at <= 101; at++)
        {
            _watched.Set(AlertKind.CrashLoop, at, at % 2 == 1 ? () => "again" : null);
            if (at % 7 == 0)
                _watched.PutBack(_watched.Take());
        }

        var changes = _watched.Take();
        Assert.InRange(changes.Length, 2, 30);
        Assert.Equal(changes.OrderBy(change => change.At), changes);
        // Opened and closed by turns, and open at the end as it is.
        Assert.All(changes.Select((change, i) => (change, i)), one => Assert.Equal(one.i % 2 == 0, one.change.Detail is not null));
        Assert.Equal(101, changes[^1].At);
        Assert.NotNull(changes[^1].Detail);
    }
}
