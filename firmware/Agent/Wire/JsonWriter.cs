using System.Text;

namespace Ota.Agent;

/// <summary>Writes one flat JSON text, member by member.</summary>
internal sealed class JsonWriter
{
    private readonly StringBuilder _text = new StringBuilder();
    private bool _first = true;

    public JsonWriter Begin()
    {
        Separate();
        _text.Append('{');
        _first = true;
        return this;
    }

    public JsonWriter Begin(string name)
    {
        Name(name);
        _text.Append('{');
        _first = true;
        return this;
    }

    public JsonWriter End()
    {
        _text.Append('}');
        _first = false;
        return this;
    }

    public JsonWriter BeginArray()
    {
        _text.Append('[');
        _first = true;
        return this;
    }

    public JsonWriter EndArray()
    {
        _text.Append(']');
        return this;
    }

    public JsonWriter Text(string name, string value)
    {
        Name(name);
        Quote(value);
        return this;
    }

    public JsonWriter Number(string name, long value)
    {
        Name(name);
        _text.Append(value);
        return this;
    }

    public byte[] ToUtf8() => Encoding.UTF8.GetBytes(_text.ToString());

    private void Name(string name)
    {
        Separate();
        Quote(name);
        _text.Append(':');
    }

    private void Separate()
    {
        if (!_first)
            _text.Append(',');
        _first = false;
    }

    private void Quote(string value)
    {
        _text.Append('"');
        for (var i = 0; i < value.Length; i++)
        {
            var c = value[i];
            if (c == '"' || c == '\\')
                _text.Append('\\');

            // Control characters come from nowhere honest; a space keeps the text readable and valid.
            _text.Append(c < ' ' ? ' ' : c);
        }

        _text.Append('"');
    }
}
