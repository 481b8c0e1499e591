// Signatures only, of what the firmware uses from mscorlib; the bodies are never run.

[assembly: System.Reflection.AssemblyVersion("1.17.11.0")]

namespace System
{
    public class ArgumentException : System.SystemException
    {
        public ArgumentException() => throw null;
        public ArgumentException(string p0) => throw null;
    }

    public abstract class Array : System.ICloneable, System.Collections.IList, System.Collections.ICollection, System.Collections.IEnumerable
    {
        protected Array() => throw null;
        public static void Clear(System.Array p0, int p1, int p2) => throw null;
        public static void Copy(System.Array p0, int p1, System.Array p2, int p3, int p4) => throw null;
        public void CopyTo(System.Array p0, int p1) => throw null;
        public int Length { get => throw null; }
    }

    public delegate void AsyncCallback(System.IAsyncResult p0);

    public abstract class Attribute
    {
        protected Attribute() => throw null;
    }

    public enum AttributeTargets
    {
        Assembly = 1,
        Module = 2,
        Class = 4,
        Struct = 8,
        Enum = 16,
        Constructor = 32,
        Method = 64,
        Property = 128,
        Field = 256,
        Event = 512,
        Interface = 1024,
        Parameter = 2048,
        Delegate = 4096,
        ReturnValue = 8192,
        All = 16383,
    }

    public sealed class AttributeUsageAttribute : System.Attribute
    {
        public AttributeUsageAttribute(System.AttributeTargets p0) => throw null;
        public System.AttributeTargets ValidOn { get => throw null; }
        public bool AllowMultiple { get => throw null; set => throw null; }
        public bool Inherited { get => throw null; set => throw null; }
    }

    public struct Boolean
    {
    }

    public struct Byte
    {
        public const byte MaxValue = 255;
        public const byte MinValue = 0;
    }

    public struct Char
    {
        public const char MaxValue = '\uffff';
        public const char MinValue = '\u0000';
    }

    public struct DateTime
    {
        public static System.DateTime FromUnixTimeSeconds(long p0) => throw null;
        public long ToUnixTimeSeconds() => throw null;
        public static System.DateTime UtcNow { get => throw null; }
    }

    public abstract class Delegate
    {
        protected Delegate() => throw null;
    }

    public struct Double
    {
    }

    public abstract class Enum
    {
        protected Enum() => throw null;
    }

    public class Exception
    {
        public Exception() => throw null;
        public Exception(string p0) => throw null;
        public virtual string Message { get => throw null; }
    }

    public class FlagsAttribute : System.Attribute
    {
        public FlagsAttribute() => throw null;
    }

    public interface IAsyncResult
    {
    }

    public interface ICloneable
    {
    }

    public interface IComparable
    {
    }

    public interface IDisposable
    {
        void Dispose();
    }

    public struct Int16
    {
        public const short MaxValue = 32767;
        public const short MinValue = -32768;
    }

    public struct Int32
    {
        public const int MaxValue = 2147483647;
        public const int MinValue = -2147483648;
        public override string ToString() => throw null;
    }

    public struct Int64
    {
        public const long MaxValue = 9223372036854775807;
        public const long MinValue = -9223372036854775808;
        public override string ToString() => throw null;
    }

    public struct IntPtr
    {
    }

    public class InvalidOperationException : System.SystemException
    {
        public InvalidOperationException() => throw null;
    }

    public abstract class MarshalByRefObject
    {
        protected MarshalByRefObject() => throw null;
    }

    public abstract class MulticastDelegate : System.Delegate
    {
        protected MulticastDelegate() => throw null;
    }

    public class NotSupportedException : System.SystemException
    {
        public NotSupportedException() => throw null;
    }

    public class Object
    {
        public virtual bool Equals(object p0) => throw null;
        public virtual string ToString() => throw null;
        public Object() => throw null;
    }

    public class ObjectDisposedException : System.SystemException
    {
        public ObjectDisposedException() => throw null;
    }

    public sealed class ObsoleteAttribute : System.Attribute
    {
        public ObsoleteAttribute() => throw null;
    }

    public sealed class ParamArrayAttribute : System.Attribute
    {
        public ParamArrayAttribute() => throw null;
    }

    public class Random
    {
        public virtual int Next(int p0) => throw null;
        public Random() => throw null;
    }

    public struct RuntimeFieldHandle
    {
    }

    public struct RuntimeMethodHandle
    {
    }

    public struct RuntimeTypeHandle
    {
    }

    public struct SByte
    {
        public const sbyte MaxValue = 127;
        public const sbyte MinValue = -128;
    }

    public struct Single
    {
    }

    public sealed class String : System.IComparable, System.Collections.IEnumerable
    {
        public override bool Equals(object p0) => throw null;
        public static bool IsNullOrEmpty(string p0) => throw null;
        public bool StartsWith(string p0) => throw null;
        public static bool operator ==(string p0, string p1) => throw null;
        public static bool operator !=(string p0, string p1) => throw null;
        public int IndexOf(char p0) => throw null;
        public int IndexOf(char p0, int p1) => throw null;
        public int IndexOf(string p0) => throw null;
        public static string Concat(string p0, string p1) => throw null;
        public static string Concat(string p0, string p1, string p2) => throw null;
        public static string Concat(string p0, string p1, string p2, string p3) => throw null;
        public static string Concat(string[] p0) => throw null;
        public string Substring(int p0) => throw null;
        public string Substring(int p0, int p1) => throw null;
        public string Trim() => throw null;
        public string[] Split(char[] p0) => throw null;
        public String(char[] p0) => throw null;
        [System.Runtime.CompilerServices.IndexerName("Chars")]
        public char this[int p0] { get => throw null; }
        public int Length { get => throw null; }
    }

    public class SystemException : System.Exception
    {
        public SystemException() => throw null;
    }

    public abstract class Type : System.Reflection.MemberInfo, System.Reflection.IReflect
    {
        public virtual bool IsSubclassOf(System.Type p0) => throw null;
        public System.Reflection.ConstructorInfo GetConstructor(System.Type[] p0) => throw null;
        public static System.Type GetTypeFromHandle(System.RuntimeTypeHandle p0) => throw null;
        protected Type() => throw null;
        public bool IsAbstract { get => throw null; }
    }

    public struct UInt16
    {
        public const ushort MaxValue = 65535;
        public const ushort MinValue = 0;
    }

    public struct UInt32
    {
        public const uint MaxValue = 4294967295;
        public const uint MinValue = 0;
    }

    public struct UInt64
    {
        public const ulong MaxValue = 18446744073709551615;
        public const ulong MinValue = 0;
    }

    public struct UIntPtr
    {
    }

    public abstract class ValueType
    {
        public override bool Equals(object p0) => throw null;
        protected ValueType() => throw null;
    }

    public struct Void
    {
    }
}

namespace System.Collections
{
    public class ArrayList : System.Collections.IList, System.Collections.ICollection, System.Collections.IEnumerable, System.ICloneable
    {
        public virtual bool Contains(object p0) => throw null;
        public virtual int Add(object p0) => throw null;
        public ArrayList() => throw null;
        public virtual void Clear() => throw null;
        public virtual void Insert(int p0, object p1) => throw null;
        public virtual void RemoveAt(int p0) => throw null;
        public virtual int Count { get => throw null; }
        public virtual object this[int p0] { get => throw null; }
    }

    public interface ICollection : System.Collections.IEnumerable
    {
    }

    public interface IEnumerable
    {
    }

    public interface IList : System.Collections.ICollection, System.Collections.IEnumerable
    {
    }
}

namespace System.Diagnostics
{
    public sealed class DebuggableAttribute : System.Attribute
    {
        public DebuggableAttribute(System.Diagnostics.DebuggableAttribute.DebuggingModes p0) => throw null;

        public enum DebuggingModes
        {
            None = 0,
            Default = 1,
            DisableOptimizations = 256,
            IgnoreSymbolStoreSequencePoints = 2,
            EnableEditAndContinue = 4,
        }
    }
}

namespace System.IO
{
    public class IOException : System.SystemException
    {
        public IOException() => throw null;
    }
}

namespace System.Reflection
{
    public class Assembly
    {
        public static System.Reflection.Assembly Load(byte[] p0) => throw null;
        public virtual System.Type[] GetTypes() => throw null;
        public Assembly() => throw null;
    }

    public sealed class AssemblyVersionAttribute : System.Attribute
    {
        public AssemblyVersionAttribute(string p0) => throw null;
    }

    public abstract class ConstructorInfo : System.Reflection.MethodBase
    {
        public object Invoke(object[] p0) => throw null;
        protected ConstructorInfo() => throw null;
    }

    public sealed class DefaultMemberAttribute : System.Attribute
    {
        public DefaultMemberAttribute(string p0) => throw null;
    }

    public interface IReflect
    {
    }

    public abstract class MemberInfo
    {
        protected MemberInfo() => throw null;
    }

    public abstract class MethodBase : System.Reflection.MemberInfo
    {
        protected MethodBase() => throw null;
    }
}

namespace System.Runtime.CompilerServices
{
    public sealed class IndexerNameAttribute : System.Attribute
    {
        public IndexerNameAttribute(string p0) => throw null;
    }

    public sealed class InternalsVisibleToAttribute : System.Attribute
    {
        public InternalsVisibleToAttribute(string p0) => throw null;
    }

    public static class RuntimeHelpers
    {
        public static void InitializeArray(System.Array p0, System.RuntimeFieldHandle p1) => throw null;
    }
}

namespace System.Threading
{
    public sealed class AutoResetEvent : System.Threading.WaitHandle
    {
        public bool Set() => throw null;
        public AutoResetEvent(bool p0) => throw null;
    }

    public static class Monitor
    {
        public static void Enter(object p0) => throw null;
        public static void Exit(object p0) => throw null;
    }

    public sealed class Thread
    {
        public Thread(System.Threading.ThreadStart p0) => throw null;
        public static void Sleep(int p0) => throw null;
        public void Start() => throw null;
    }

    public delegate void ThreadStart();

    public abstract class WaitHandle : System.MarshalByRefObject
    {
        public virtual bool WaitOne(int p0, bool p1) => throw null;
        protected WaitHandle() => throw null;
    }
}
