using System.Diagnostics;
using System.Text;

namespace Ota.Cli.Serial;

/// <summary>The console of the unit at the other end of a cable (docs/protocol.md §7).</summary>
internal sealed class UnitConsole : IDisposable
{
    private const int LongestLine = 4096;
    private static readonly TimeSpan Again = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

    private readonly SerialPort _port;
    private readonly string _path;
    private readonly TimeSpan _longest;
    private readonly List<byte> _line = [];
    private readonly Queue<string[]> _lines = new();

    /// <param name="longest">A unit answers between two attempts to join a network, which may take half a minute.</param>
    public UnitConsole(string path, TimeSpan longest)
    {
        (_path, _longest) = (path, longest);
        _port = SerialPort.Open(path);
        _port.Flush();
    }

    /// <summary>Asks what may be asked twice, again and again until there is an answer: opening the port restarts many boards.</summary>
    public Task<IReadOnlyList<string[]>> AskAsync(IReadOnlyList<string> words, CancellationToken cancellation) => AskAsync(words, Again, cancellation);

    /// <summary>Asks once, after the unit has shown that it listens.</summary>
    /// <returns>The words of each line of the answer without <c>ota</c>; the last begins with <c>ok</c> or <c>refused</c>.</returns>
    public async Task<IReadOnlyList<string[]>> OrderAsync(IReadOnlyList<string> words, CancellationToken cancellation)
    {
        await AskAsync(["status"], cancellation);
        return await AskAsync(words, _longest, cancellation);
    }

    public void Dispose() => _port.Dispose();

    private Task<IReadOnlyList<string[]>> AskAsync(IReadOnlyList<string> words, TimeSpan again, CancellationToken cancellation) =>
        Task.Run<IReadOnlyList<string[]>>(() => Ask(words, again, cancellation), cancellation);

    private List<string[]> Ask(IReadOnlyList<string> words, TimeSpan again, CancellationToken cancellation)
    {
        // The first line end ends whatever half a line the unit may have read before.
        var line = "\n" + string.Join('\t', words.Select(Escaped)) + "\n";
        var answer = new List<string[]>();
        var (waited, sent) = (Stopwatch.StartNew(), Stopwatch.StartNew());
        _port.Write(line);
        while (waited.Elapsed < _longest)
        {
            cancellation.ThrowIfCancellationRequested();
            foreach (var b in _port.Read(Tick))
                Take(b);
            while (_lines.TryDequeue(out var read))
            {
                answer.Add(read);
                if (read is ["refused", ..] || (read is ["ok", var what, ..] && what == words[0]))
                    return answer;
            }

            if (sent.Elapsed < again)
                continue;
            answer.Clear();
            sent.Restart();
            _port.Write(line);
        }

        throw FailureException.Unreachable(
            $"No answer on {_path} within {_longest.TotalSeconds:0} s. Is this the unit's port, does its unit file name a 'console', and is no other program reading it?");
    }

    private void Take(byte b)
    {
        if (b is not ((byte)'\n' or (byte)'\r'))
        {
            if (_line.Count < LongestLine)
                _line.Add(b);
            return;
        }

        var words = Encoding.UTF8.GetString([.. _line]).Split('\t');
        _line.Clear();
        if (words is ["ota", ..])
            _lines.Enqueue([.. words.Skip(1).Select(Plain)]);
    }

    private static string Escaped(string word) => word
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal)
        .Replace("\n", "\\n", StringComparison.Ordinal).Replace("\r", "\\r", StringComparison.Ordinal);

    private static string Plain(string word)
    {
        var plain = new StringBuilder();
        for (var i = 0; i < word.Length; i++)
        {
            plain.Append(word[i] != '\\' || i + 1 == word.Length ? word[i] : word[++i] switch
            {
                't' => '\t',
                'n' => '\n',
                'r' => '\r',
                var other => other,
            });
        }

        return plain.ToString();
    }
}
