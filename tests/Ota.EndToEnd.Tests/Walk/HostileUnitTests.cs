using System.Text;
using Ota.Virtual;

namespace Ota.EndToEnd.Tests.Walk;

/// <summary>A unit on a cable that says what it likes: whoever found it may have put anything on it.</summary>
public sealed class HostileUnitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly PseudoTerminal _wire = new();
    private readonly CancellationTokenSource _enough = new();
    private Task _unit = Task.CompletedTask;

    public void Dispose()
    {
        _enough.Cancel();
        _unit.Wait();
        _wire.Dispose();
        _enough.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("-9223372036854775808")]
    [InlineData("1e9")]
    public async Task Any_uptime_is_shown(string uptime)
    {
        Answer($"ota\tok\tstatus\truns=1.0.0\tslot=confirmed\tuptime={uptime}");

        var status = await SerialAsync("status");

        Assert.Equal(0, status.ExitCode);
        Assert.Contains("1.0.0", status.Out, StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_sign_that_moves_the_cursor_reaches_the_terminal()
    {
        const string evil = "\u001b]0;owned\u0007\u001b[2J\u009b31m\u202e\\n\\r";
        Answer($"ota\tok\tstatus\truns={evil}\tslot={evil}\thardware-id={evil}\tuptime={evil}", $"{evil}ota\tok");
        foreach (var shown in new[] { await SerialAsync("status"), await SerialAsync("status", "--json") })
            Harmless(shown);

        Answer($"ota\tlog\t{evil}\t{evil}", "ota\tok\tlogs\t1");
        foreach (var shown in new[] { await SerialAsync("logs"), await SerialAsync("logs", "--json") })
            Harmless(shown);

        Answer($"ota\trefused\t{evil}\t{evil}");
        foreach (var shown in new[] { await SerialAsync("status"), await SerialAsync("status", "--json") })
        {
            Assert.Equal(1, shown.ExitCode);
            Harmless(shown);
        }
    }

    // A unit that answers every line so, for as long as the test goes on.
    private void Answer(params string[] lines)
    {
        _answer = lines;
        if (_unit.IsCompleted)
            _unit = Task.Run(ServeAsync);
    }

    private string[] _answer = [];

    private async Task ServeAsync()
    {
        while (!_enough.IsCancellationRequested)
        {
            if (_wire.TakeLine() is not null)
                Array.ForEach(_answer, _wire.Say);
            else
                await Task.Delay(5, CancellationToken.None);
        }
    }

    private Task<CommandResult> SerialAsync(params string[] words) =>
        new OtaCommand(_folder.Path).RunAsync(["serial", _wire.Path, "--wait", "20", .. words]);

    private static void Harmless(CommandResult shown)
    {
        var text = new StringBuilder().Append(shown.Out).Append(shown.Error).ToString();
        Assert.DoesNotContain(text, c => (char.IsControl(c) && c != '\n') || c == '\u202e');
        Assert.DoesNotContain("   at ", text, StringComparison.Ordinal);
    }
}
