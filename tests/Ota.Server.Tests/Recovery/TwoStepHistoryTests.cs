using FsCheck;
using FsCheck.Fluent;
using Ota.Server.Recovery;
using Ota.Server.Tests.Releases;

namespace Ota.Server.Tests.Recovery;

/// <summary>
/// A foreign client, a network that breaks and a server that is killed before and after each write: the recovery build is fetched whole at most
/// once, the state never goes backwards, and in the end nobody is left on the recovery build.
/// </summary>
public sealed class TwoStepHistoryTests(ITestOutputHelper output)
{
    private static readonly int Histories = Environment.GetEnvironmentVariable("OTA_TEST_LONG") == "1" ? 100_000 : 10_000;

    [Fact]
    public void Whatever_breaks_off_the_recovery_build_is_fetched_whole_at_most_once_and_the_unit_comes_home()
    {
        var ends = new SortedDictionary<TwoStepState, int>();
        var step = from what in Gen.Choose(0, 12)
                   from fault in Gen.Choose(0, 5)
                   select (What: what, Fault: fault);
        var history = from steps in step.ArrayOf(30)
                      from says in Gen.Elements(true, false)
                      select (Steps: steps, SaysVersion: says);
        Prop.ForAll(history.ToArbitrary(), history =>
        {
            var client = new Client(history.SaysVersion);
            foreach (var (what, fault) in history.Steps)
            {
                client.Do(what, (Fault)Math.Min(fault, 3));
                client.Check();
            }

            for (var round = 0; round < 8; round++)
            {
                client.Do(0, Fault.None);
                client.Do(4, Fault.None);
                client.Check();
            }

            client.CheckEnd();
            ends[client.State] = ends.GetValueOrDefault(client.State) + 1;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(Histories).WithReplay(20_264, 1));

        var said = $"cases: {Histories} two-step recoveries, {string.Join(", ", ends.Select(end => $"{end.Value} {end.Key}"))}";
        output.WriteLine(said);
        Console.WriteLine(said);
        Assert.Equal(4, ends.Count);
    }

    /// <summary>What happens to one call.</summary>
    private enum Fault
    {
        None,

        /// <summary>The connection breaks before anything is decided; of a file, somewhere in it.</summary>
        BreaksOff,

        /// <summary>The server is killed before what it decided is on disk.</summary>
        KilledBefore,

        /// <summary>The server is killed afterwards, and the answer or the last byte is never sent.</summary>
        KilledAfter,
    }

    private sealed class Client(bool saysVersion)
    {
        private const string Recovery = "id-9.0.0";
        private readonly List<string> _underWay = [];
        private DateTimeOffset _now = ARelease.Past;
        private TwoStep _disk = TwoStepRecovery.Arm(ARelease.Of("9.0.0"), ARelease.Of("1.0.0"), ARelease.Past.AddDays(2)).Armed!;
        private string _runs = "1.0.0";
        private string? _handed;
        private string? _inSlot;
        private TwoStepState _was;
        private int _fetchedWhole;
        private int _ran;

        public TwoStepState State => _disk.State;

        public void Do(int what, Fault fault)
        {
            switch (what)
            {
                case 0 or 1 or 2 or 3: Ask(fault); break;
                case 4 or 5 or 6: Fetch(fault, takes: true); break;
                case 7: Fetch(fault, takes: false); break;
                // A second connection for what the first one has not finished; or one from long ago that ends now.
                case 8 when _handed is not null && TwoStepRecovery.MayFetch(_disk, _handed): _underWay.Add(_handed); break;
                case 9 when _underWay.Count > 0:
                    var late = _underWay[0];
                    _underWay.RemoveAt(0);
                    End(late, fault, takes: true);
                    break;
                case 10: _now += TimeSpan.FromDays(1); break;
                // Killed after the last byte of the release before went out, and before that was on disk.
                case 11 when fault == Fault.KilledBefore: _disk = _disk with { PreviousFetched = false }; break;
                // It starts what it has fetched long ago, whatever it has said in between.
                case 12 when _inSlot is { } fetched: Start(fetched); break;
                case 11 when fault == Fault.None: _disk = TwoStepRecovery.Cancel(_disk) ?? _disk; break;
            }
        }

        public void Check()
        {
            Assert.True(_fetchedWhole <= 1, "The recovery build was fetched twice.");
            Assert.True(_ran <= 1, "It cleared twice.");
            var ranAfterAll = (_was, _disk.State) == (TwoStepState.Failed, TwoStepState.Returning);
            Assert.True(_disk.State >= _was || ranAfterAll, $"From {_was} to {_disk.State}.");
            Assert.True(_was < TwoStepState.Completed || _disk.State == _was || ranAfterAll, $"It was over: {_was}, and is {_disk.State}.");
            _was = _disk.State;
        }

        public void CheckEnd()
        {
            Assert.True(_disk.State >= TwoStepState.Completed, $"It goes on for ever: {_disk.State}.");
            Assert.Equal("1.0.0", _runs);
            if (_disk.State is TwoStepState.Expired or TwoStepState.Cancelled)
                Assert.Equal(0, _ran);
            if (saysVersion)
                Assert.Equal(_disk.State == TwoStepState.Completed, _ran == 1);
        }

        private void Ask(Fault fault)
        {
            if (fault == Fault.BreaksOff)
                return;
            var answer = TwoStepRecovery.Ask(_disk, saysVersion ? _runs : null, _now);
            if (fault == Fault.KilledBefore)
                return;
            _disk = answer.Next;
            if (fault != Fault.KilledAfter)
                _handed = answer.HandOut;
        }

        // What it was handed; at once or never, it has no memory of it.
        private void Fetch(Fault fault, bool takes)
        {
            if (_handed is not { } release)
                return;
            _handed = null;
            if (TwoStepRecovery.MayFetch(_disk, release))
                End(release, fault, takes);
        }

        private void End(string release, Fault fault, bool takes)
        {
            if (fault == Fault.BreaksOff || TwoStepRecovery.BeforeLastByte(_disk, release) is not { } next || fault == Fault.KilledBefore)
                return;
            _disk = next;
            if (fault == Fault.KilledAfter)
                return;

            // It has the whole file, and starts it or finds that it cannot; who tells no version is believed to have.
            if (release == Recovery)
                _fetchedWhole++;
            _inSlot = release;
            if (takes || !saysVersion)
                Start(release);

            _disk = TwoStepRecovery.AfterLastByte(_disk, release);
        }

        private void Start(string release)
        {
            _ran += release == Recovery ? 1 : 0;
            _runs = release["id-".Length..];
            _inSlot = null;
        }
    }
}
