using System.Text;

namespace Ota.Agent;

/// <summary>The wire of a console: a UART on the hardware, a pseudo terminal for a virtual device.</summary>
internal interface IConsoleWire
{
    /// <summary>A line that came in whole, without its end; null when there is none. Never waits.</summary>
    string TakeLine();

    void Say(string line);
}

/// <summary>
/// The console, for a unit that no network reaches (docs/protocol.md §7): a line in, lines out that begin with
/// <c>ota</c>, so that whatever else writes to the wire is told apart. Served between the agent's turns.
/// </summary>
internal sealed class DeviceConsole
{
    private const int LongestPause = 64;

    private readonly IConsoleWire _wire;
    private readonly DeviceAgent _agent;
    private readonly Platform _platform;
    private readonly string _rescuePassword;
    private long _closedUntil;
    private int _pause = 1;

    /// <param name="rescuePassword">From the unit's label; empty when it has none, and then nothing that asks for it is done.</param>
    public DeviceConsole(IConsoleWire wire, DeviceAgent agent, Platform platform, string rescuePassword)
    {
        _wire = wire;
        _agent = agent;
        _platform = platform;
        _rescuePassword = rescuePassword ?? "";
    }

    /// <summary>Answers what was asked meanwhile; true when the agent has something to do at once.</summary>
    public bool Serve()
    {
        var acted = false;
        string line;
        while ((line = _wire.TakeLine()) != null)
            acted |= Serve(ConsoleLine.Words(line));
        return acted;
    }

    private bool Serve(string[] words)
    {
        switch (words == null ? "" : words[0])
        {
            case "status":
                _wire.Say("ota\tok\tstatus" + _agent.StatusFields());
                return false;
            case "logs":
                Logs(words.Length > 1 ? ServerLink.Seconds(words[1]) : 0);
                return false;
            case "provision":
                return Provision(words);
            case "clear-credentials":
                if (!Allows("clear-credentials", words.Length > 1 ? words[1] : ""))
                    return false;
                _agent.ClearCredentials();

                // Said when it is done, and before the restart that follows from it.
                _wire.Say("ota\tok\tclear-credentials");
                _agent.RestartForUser();
                return true;
            default:
                Refuse("line", "");
                return false;
        }
    }

    private void Logs(int from)
    {
        var journal = _agent.Journal;
        for (var i = from < journal.First ? journal.First : from; i < journal.Count; i++)
            _wire.Say("ota\tlog\t" + journal[i]);
        _wire.Say("ota\tok\tlogs\t" + journal.Count.ToString());
    }

    // provision, "bundle", bundle | provision, "network", ssid, password, owner, rescue password
    private bool Provision(string[] words)
    {
        var sealedUp = words.Length == 3 && words[1] == "bundle";
        if (!sealedUp && (words.Length < 3 || words.Length > 6 || words[1] != "network"))
        {
            Refuse("line", "");
            return false;
        }

        // Who has the unit has its label. One that knows nobody's network takes the first from whoever is there, as on its
        // access point.
        if (!sealedUp && _agent.Networks.Count > 0 && !Allows("provision", words.Length > 5 ? words[5] : ""))
            return false;
        var fault = _agent.Provision(sealedUp
            ? new Provisioned { Bundle = words[2] }
            : new Provisioned
            {
                Network = new Network { Ssid = words[2], Password = words.Length > 3 ? words[3] : "" },
                Owner = words.Length > 4 ? words[4] : "",
            });
        if (fault == null)
            _wire.Say("ota\tok\tprovision");
        else
            Refuse(fault, "");
        return fault == null;
    }

    // Each wrong one costs twice the time of the one before; a restart costs more than that.
    private bool Allows(string what, string password)
    {
        var now = _platform.Clock.Uptime;
        if (_rescuePassword.Length == 0)
            Refuse("no-password", "");
        else if (password.Length == 0)
            Refuse("password-needed", "");
        else if (now < _closedUntil)
            Refuse("wait", (_closedUntil - now).ToString());
        else if (!Same(password, _rescuePassword))
        {
            _closedUntil = now + _pause;
            Refuse("password", _pause.ToString());
            _agent.Journal.Note("wrong password for " + what);
            _pause = _pause < LongestPause ? _pause * 2 : LongestPause;
        }
        else
        {
            _pause = 1;
            return true;
        }

        return false;
    }

    private void Refuse(string reason, string detail) =>
        _wire.Say("ota\trefused\t" + reason + (detail.Length > 0 ? "\t" + detail : ""));

    // Digests of equal length, so that the time says nothing about how much of it is right.
    private static bool Same(string given, string right) => Mac.Same(
        Mac.Of(Mac.ChunkKey, Encoding.UTF8.GetBytes(given)), Mac.Of(Mac.ChunkKey, Encoding.UTF8.GetBytes(right)), 0);
}
