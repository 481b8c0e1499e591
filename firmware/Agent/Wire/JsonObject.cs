using System.Collections;

namespace Ota.Agent;

/// <summary>
/// A JSON object that was read. Members are asked for by name and kind; unknown ones are ignored, as the protocol
/// wants.
/// </summary>
internal sealed class JsonObject
{
    private readonly Hashtable _members;

    public JsonObject(Hashtable members) => _members = members;

    public bool Has(string name) => _members.Contains(name);

    /// <exception cref="JsonRefusedException">There is no such string.</exception>
    public string Text(string name)
    {
        if (_members[name] is string text)
            return text;
        throw new JsonRefusedException(name + " is no string");
    }

    /// <summary>Null when the member is absent.</summary>
    /// <exception cref="JsonRefusedException">It is there and no string.</exception>
    public string OptionalText(string name) => Has(name) ? Text(name) : null;

    /// <exception cref="JsonRefusedException">There is no such integer, or it is outside the bounds.</exception>
    public long Number(string name, long least, long most)
    {
        if (_members[name] is long number && number >= least && number <= most)
            return number;
        throw new JsonRefusedException(name + " is no integer in bounds");
    }

    /// <exception cref="JsonRefusedException">There is no such object.</exception>
    public JsonObject Object(string name)
    {
        if (_members[name] is JsonObject read)
            return read;
        throw new JsonRefusedException(name + " is no object");
    }

    /// <exception cref="JsonRefusedException">There is no such array, or its length is outside the bounds.</exception>
    public ArrayList Array(string name, int least, int most)
    {
        if (_members[name] is ArrayList read && read.Count >= least && read.Count <= most)
            return read;
        throw new JsonRefusedException(name + " is no array in bounds");
    }
}
