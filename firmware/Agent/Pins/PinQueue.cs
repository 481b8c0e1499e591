using System.Collections;

namespace Ota.Agent;

/// <summary>
/// What an application wants to be written, until the agent comes by. Bounded: of a pin that is written again before
/// that only the last value is sent, and a pin too many is refused. May be used by two threads.
/// </summary>
internal sealed class PinQueue
{
    public const int Most = 16;

    private readonly ArrayList _writes = new ArrayList();

    /// <summary>False when the queue is full, or that is no pin or no value.</summary>
    public bool Add(int pin, string value)
    {
        if (pin < 0 || pin > PinLine.Highest || !PinLine.IsValue(value))
            return false;
        lock (_writes)
        {
            for (var i = 0; i < _writes.Count; i++)
            {
                var waiting = (PinWrite)_writes[i];
                if (waiting.Pin != pin)
                    continue;
                waiting.Value = value;
                return true;
            }

            if (_writes.Count == Most)
                return false;
            _writes.Add(new PinWrite { Pin = pin, Value = value });
            return true;
        }
    }

    /// <summary>The oldest, which is not in the queue any more; null when it is empty.</summary>
    public PinWrite Take()
    {
        lock (_writes)
        {
            if (_writes.Count == 0)
                return null;
            var first = (PinWrite)_writes[0];
            _writes.RemoveAt(0);
            return first;
        }
    }
}
