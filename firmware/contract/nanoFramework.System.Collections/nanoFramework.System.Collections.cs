// Signatures only, of what the firmware uses from nanoFramework.System.Collections; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.5.75.0")]

namespace System.Collections
{
    public class Hashtable : System.ICloneable, System.Collections.IDictionary, System.Collections.ICollection, System.Collections.IEnumerable
    {
        public bool Contains(object p0) => throw null;
        public Hashtable() => throw null;
        public void Add(object p0, object p1) => throw null;
        public object this[object p0] { get => throw null; set => throw null; }
    }

    public interface IDictionary : System.Collections.ICollection, System.Collections.IEnumerable
    {
    }
}
