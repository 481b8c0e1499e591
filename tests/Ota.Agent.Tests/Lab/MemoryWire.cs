namespace Ota.Agent.Tests.Lab;

/// <summary>A cable whose other end is the test.</summary>
internal sealed class MemoryWire : IConsoleWire
{
    private readonly Queue<string> _asked = new();
    private readonly List<string> _said = [];

    public string? TakeLine() => _asked.TryDequeue(out var line) ? line : null;

    public void Say(string line) => _said.Add(line);

    public void Ask(string line) => _asked.Enqueue(line);

    /// <summary>What was said since the last look.</summary>
    public string[] Heard()
    {
        var heard = _said.ToArray();
        _said.Clear();
        return heard;
    }
}
