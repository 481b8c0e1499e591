using System;
using System.Collections;
using System.Text;

namespace Ota.Agent;

/// <summary>
/// Reads a JSON text (RFC 8259) that a stranger may have sent. Strict where leniency could make two readers disagree: a
/// name that occurs twice, bytes that are not UTF-8, anything behind the end are refused. Time and memory are bounded
/// by the input's length, the stack by <see cref="Deepest"/>.
/// </summary>
internal sealed class JsonReader
{
    /// <summary>Levels of nesting; the protocol needs four.</summary>
    public const int Deepest = 8;

    /// <summary>
    /// Stands for null, and for a number that is no integer of 64 bits: the protocol has no use for either.
    /// </summary>
    public static readonly object Other = new object();

    private readonly byte[] _text;
    private readonly int _end;
    private int _at;

    private JsonReader(byte[] text, int end)
    {
        _text = text;
        _end = end;
    }

    /// <summary>Reads the first <paramref name="count"/> bytes, which must be one JSON object.</summary>
    /// <exception cref="JsonRefusedException">They are not.</exception>
    public static JsonObject ReadObject(byte[] text, int count)
    {
        var reader = new JsonReader(text, count);
        var value = reader.Value(0);
        reader.Space();
        if (reader._at != count)
            throw new JsonRefusedException("text behind the end");
        if (value is JsonObject read)
            return read;
        throw new JsonRefusedException("not an object");
    }

    private object Value(int depth)
    {
        if (depth > Deepest)
            throw new JsonRefusedException("nested too deeply");
        Space();
        switch (Peek())
        {
            case '{':
                return Object(depth);
            case '[':
                return Array(depth);
            case '"':
                return Text();
            case 't':
                Word("true");
                return true;
            case 'f':
                Word("false");
                return false;
            case 'n':
                Word("null");
                return Other;
            default:
                return Number();
        }
    }

    private JsonObject Object(int depth)
    {
        var members = new Hashtable();
        _at++;
        Space();
        if (Peek() == '}')
        {
            _at++;
            return new JsonObject(members);
        }

        while (true)
        {
            Space();
            if (Peek() != '"')
                throw new JsonRefusedException("a name is missing");
            var name = Text();
            Space();
            Expect(':');
            if (members.Contains(name))
                throw new JsonRefusedException("a name occurs twice");
            members.Add(name, Value(depth + 1));
            Space();
            if (Peek() == '}')
            {
                _at++;
                return new JsonObject(members);
            }

            Expect(',');
        }
    }

    private ArrayList Array(int depth)
    {
        var items = new ArrayList();
        _at++;
        Space();
        if (Peek() == ']')
        {
            _at++;
            return items;
        }

        while (true)
        {
            items.Add(Value(depth + 1));
            Space();
            if (Peek() == ']')
            {
                _at++;
                return items;
            }

            Expect(',');
        }
    }

    private object Number()
    {
        var negative = Peek() == '-';
        if (negative)
            _at++;
        var digits = _at;
        long value = 0;
        var fits = true;
        for (; _at < _end && IsDigit(_text[_at]); _at++)
        {
            var digit = _text[_at] - '0';
            fits = fits && value <= (long.MaxValue - digit) / 10;
            value = value * 10 + digit;
        }

        if (_at == digits || (_text[digits] == '0' && _at > digits + 1))
            throw new JsonRefusedException("not a value");
        var whole = _at;
        if (_at < _end && _text[_at] == '.')
            Fraction();
        if (_at < _end && (_text[_at] == 'e' || _text[_at] == 'E'))
        {
            if (_at + 1 < _end && (_text[_at + 1] == '+' || _text[_at + 1] == '-'))
                _at++;
            Fraction();
        }

        if (_at != whole || !fits)
            return Other;
        return negative ? -value : value;
    }

    // One sign and at least one digit behind it.
    private void Fraction()
    {
        var start = ++_at;
        while (_at < _end && IsDigit(_text[_at]))
            _at++;
        if (_at == start)
            throw new JsonRefusedException("a number without digits");
    }

    private string Text()
    {
        var start = ++_at;

        // Nearly all strings are plain ASCII, which needs no second look.
        while (_at < _end && _text[_at] >= 0x20 && _text[_at] < 0x80 && _text[_at] != '"' && _text[_at] != '\\')
            _at++;
        if (_at < _end && _text[_at] == '"')
        {
            _at++;
            return Encoding.UTF8.GetString(_text, start, _at - 1 - start);
        }

        _at = start;
        return JsonString.Read(_text, _end, ref _at);
    }

    private void Space()
    {
        while (_at < _end && (_text[_at] == ' ' || _text[_at] == '\t' || _text[_at] == '\n' || _text[_at] == '\r'))
            _at++;
    }

    private int Peek()
    {
        if (_at >= _end)
            throw new JsonRefusedException("ends too early");
        return _text[_at];
    }

    private void Expect(char c)
    {
        if (Peek() != c)
            throw new JsonRefusedException("a mark is missing");
        _at++;
    }

    private void Word(string word)
    {
        for (var i = 0; i < word.Length; i++)
            Expect(word[i]);
    }

    private static bool IsDigit(byte b) => b >= '0' && b <= '9';
}

/// <summary>This is not the JSON that was asked for; the message says where it went wrong, for people.</summary>
internal sealed class JsonRefusedException : Exception
{
    public JsonRefusedException(string message)
        : base(message)
    {
    }
}
