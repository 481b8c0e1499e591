namespace Ota.Agent;

/// <summary>
/// What the device did last, for a person with a cable: a few lines in memory, gone with a restart, no secrets in them.
/// </summary>
internal sealed class Journal
{
    /// <summary>Lines kept; one more pushes the oldest out.</summary>
    public const int Most = 32;

    private const int LongestText = 96;

    private readonly IClock _clock;
    private readonly string[] _lines = new string[Most];

    public Journal(IClock clock) => _clock = clock;

    /// <summary>Lines noted since the start; the number of a line is how many were there before it.</summary>
    public int Count { get; private set; }

    /// <summary>Number of the oldest line that is still there.</summary>
    public int First => Count > Most ? Count - Most : 0;

    /// <summary>The seconds since the start, a tab, and what happened, as a console line has it.</summary>
    public string this[int number] => _lines[number % Most];

    public void Note(string text)
    {
        if (text.Length > LongestText)
            text = text.Substring(0, LongestText);
        _lines[Count % Most] = _clock.Uptime.ToString() + "\t" + ConsoleLine.Escaped(text);
        Count++;
    }
}
